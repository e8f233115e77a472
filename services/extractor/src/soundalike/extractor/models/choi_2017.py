"""The published weights of Choi's network: from a file, the cache, or their author's repository."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Final

import httpx

from soundalike.errors import UnusableDirectory
from soundalike.extractor.errors import WeightsDamaged, WeightsUnavailable
from soundalike.storage.atomic_files import atomic_write
from soundalike.storage.private_directories import private_directory, user_cache_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

URL: Final = (
    "https://raw.githubusercontent.com/keunwoochoi/music-auto_tagging-keras/"
    "a3e105d0c4c529c512cc197ad8770ff1cc52aa32/compact_cnn/weights_layer4_theano.hdf5"
)
SHA256: Final = "caf89f811415691fbb245be7eef394b9cebd787d7e3f78e29695972141cf2a08"
_SIZE_BYTES: Final = 1_329_264
_CACHE_NAME: Final = f"choi-2017-{SHA256[:8]}.hdf5"


def download(url: str) -> bytes:
    """Download the weights; raises `httpx.HTTPError`, and `ValueError` for a response that is far too large."""
    content = bytearray()
    with httpx.stream("GET", url, timeout=httpx.Timeout(30.0, connect=5.0)) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > 2 * _SIZE_BYTES:
                raise ValueError("the response is larger than the weights can be")
    return bytes(content)


def published_weights(
    path: Path | None = None, cache: Path | None = None, fetch: Callable[[str], bytes] = download
) -> bytes:
    """Return the content of the published weights file, its checksum checked.

    `path` (CHOI_WEIGHTS) is the file to use; without it the weights come from the `cache` folder (MODEL_CACHE), into
    which they are downloaded first where necessary. Raises `WeightsUnavailable`, `WeightsDamaged`.
    """
    if path is not None:
        try:
            return _verify(path.read_bytes(), f"CHOI_WEIGHTS={path}")
        except OSError as error:
            raise WeightsUnavailable(f"the file of CHOI_WEIGHTS, {path}, cannot be read: {error.strerror}") from error
    cached = (cache or user_cache_directory()) / _CACHE_NAME
    if cached.is_file():
        try:
            return _verify(cached.read_bytes(), str(cached))
        except (OSError, WeightsDamaged) as error:
            log.warning("downloading the weights again: %s", error)
    try:
        content = fetch(URL)
    except (httpx.HTTPError, ValueError) as error:
        raise WeightsUnavailable(
            f"the network's weights are not in {cached.parent} and could not be downloaded from {URL} "
            f"({str(error) or type(error).__name__}). Download that file on another machine and set CHOI_WEIGHTS to "
            "its path, or use MODEL=soundalike-1, which needs no download"
        ) from error
    content = _verify(content, URL)
    _save_to_cache(cached, content)
    return content


def _verify(content: bytes, where: str) -> bytes:
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != SHA256:
        raise WeightsDamaged(f"{where} has sha256 {sha256} instead of {SHA256}: it is another file, or damaged")
    return content


def _save_to_cache(target: Path, content: bytes) -> None:
    """Write the weights into the cache, whole or not at all; without a cache the next start downloads them again."""
    try:
        private_directory(target.parent)
        with atomic_write(target) as part:
            part.write_bytes(content)
    except (OSError, UnusableDirectory) as error:
        log.warning("the weights were downloaded but cannot be cached in %s: %s", target.parent, error)
