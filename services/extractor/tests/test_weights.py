from __future__ import annotations

import hashlib
import io
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import h5py
import httpx
import numpy as np
import pytest

from soundalike.extractor.errors import WeightsDamaged, WeightsUnavailable
from soundalike.extractor.models import choi_2017
from soundalike.extractor.models.choi_2017 import download, published_weights
from soundalike.extractor.weights import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"weights"


def hdf5(**replaced: np.ndarray | None) -> bytes:
    """A file laid out as the published one, its numbers counting up."""
    arrays: dict[str, np.ndarray] = {}
    for number in range(1, 6):
        inputs = 1 if number == 1 else 32
        count = 32 * inputs * 9
        arrays[f"ConvBNEluDr/convolution2d_{number}_W"] = np.arange(count, dtype="f4").reshape(32, inputs, 3, 3)
        for name in (
            f"convolution2d_{number}_b",
            f"batchnormalization_{number}_gamma",
            f"batchnormalization_{number}_beta",
        ):
            arrays[f"ConvBNEluDr/{name}"] = np.arange(32, dtype="f4")
    arrays |= {"dense_1/dense_1_W": np.zeros((32, 50), "f4"), "dense_1/dense_1_b": np.zeros(50, "f4")}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            value = replaced.get(name.rpartition("/")[2], array)
            if value is not None:
                file[name] = value
    return buffer.getvalue()


def fail(_: str) -> bytes:
    raise httpx.ConnectError("no route")


@pytest.fixture
def known_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choi_2017, "SHA256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/missing":
                self.send_error(404)
                return
            body = CONTENT if self.path == "/weights" else bytes(5_000_000)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_kernels_are_flipped_on_both_axes_and_moved_to_hwio() -> None:
    weights = parse(hdf5())
    stored = np.arange(32 * 32 * 9).reshape(32, 32, 3, 3)
    kernel = weights.layers[1].kernel
    assert kernel.shape == (3, 3, 32, 32)
    for y, x, i, o in [(0, 0, 0, 0), (2, 1, 5, 7), (1, 2, 31, 3)]:
        assert kernel[y, x, i, o] == stored[o, i, 2 - y, 2 - x]
    assert weights.layers[0].kernel.shape == (3, 3, 1, 32)
    assert weights.name == "choi-2017"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an HDF5"),
        (b"<html>404</html>", "not an HDF5"),
        (hdf5(convolution2d_3_W=None), "lacks ConvBNEluDr/convolution2d_3_W"),
        (hdf5(convolution2d_2_W=np.zeros((3, 3, 32, 32), "f4")), r"shape \(3, 3, 32, 32\) instead of \(32, 32, 3, 3\)"),
        (hdf5(batchnormalization_5_beta=np.full(32, np.nan, "f4")), "not finite"),
    ],
)
def test_another_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(WeightsDamaged, match=message):
        parse(content)


@pytest.mark.usefixtures("known_checksum")
class TestPublishedWeights:
    def test_a_named_file_comes_first(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.hdf5"
        file.write_bytes(CONTENT)
        assert published_weights(file, tmp_path / "cache", fail) == CONTENT
        assert not (tmp_path / "cache").exists()

    def test_a_named_file_that_is_missing_is_not_replaced(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsUnavailable, match=r"CHOI_WEIGHTS, .*nothing.hdf5, cannot be read: No such file"):
            published_weights(tmp_path / "nothing.hdf5", tmp_path, lambda _: CONTENT)

    def test_a_wrong_checksum_names_both(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.hdf5"
        file.write_bytes(b"another")
        with pytest.raises(WeightsDamaged) as caught:
            published_weights(file)
        for content in (CONTENT, b"another"):
            assert hashlib.sha256(content).hexdigest() in str(caught.value)

    def test_a_download_is_cached(self, tmp_path: Path) -> None:
        cache = tmp_path / "a" / "cache"
        urls: list[str] = []

        def fetch(url: str) -> bytes:
            urls.append(url)
            return CONTENT

        assert published_weights(None, cache, fetch) == CONTENT
        assert published_weights(None, cache, fail) == CONTENT
        assert urls == [choi_2017.URL]
        assert len(list(cache.iterdir())) == 1

    def test_a_damaged_cache_is_replaced(self, tmp_path: Path) -> None:
        published_weights(None, tmp_path, lambda _: CONTENT)
        (cached,) = tmp_path.iterdir()
        cached.write_bytes(CONTENT[:3])
        assert published_weights(None, tmp_path, lambda _: CONTENT) == CONTENT
        assert cached.read_bytes() == CONTENT

    def test_a_wrong_response_is_not_cached(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsDamaged, match=r"raw\.githubusercontent\.com"):
            published_weights(None, tmp_path, lambda _: b"<html>")
        assert not list(tmp_path.iterdir())

    def test_without_network_it_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsUnavailable, match=r"no route.*CHOI_WEIGHTS.*MODEL=soundalike-1"):
            published_weights(None, tmp_path, fail)

    def test_a_cache_that_cannot_be_written_costs_nothing_but_time(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        assert published_weights(None, tmp_path / "file" / "cache", lambda _: CONTENT) == CONTENT


def test_downloading_over_http(server: str) -> None:
    assert download(server + "/weights") == CONTENT
    with pytest.raises(httpx.HTTPStatusError):
        download(server + "/missing")
    with pytest.raises(ValueError, match="larger"):
        download(server + "/endless")
