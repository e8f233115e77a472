from __future__ import annotations

import hashlib
import io
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from audio.errors import DecoderCrashed, PermanentAudioError, Silent
from extractor.decoders import Decoders
from extractor.errors import VectorNotFinite, WeightsUnavailable
from extractor.listening import ListeningPool
from extractor.model import Model
from extractor.registry import Choice, ModelName, load_model
from extractor.statistics import shipped
from extractor.weights import Weights, untrained

from .signals import likeness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audio import IsolatedDecoder


def wav(samples: np.ndarray, rate: int = 22_050) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


def tones(hertz: float, seconds: float = 30.0, rate: int = 22_050) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * hertz * t) * (t % 0.5 < 0.25)


@pytest.fixture(scope="module")
def model() -> Model:
    weights = untrained()
    return Model(weights, shipped(weights))


@pytest.fixture(scope="module")
def pool(model: Model) -> Iterator[ListeningPool]:
    pool = ListeningPool(model, Decoders(2))
    yield pool
    pool.close()


async def test_a_preview_becomes_a_vector(pool: ListeningPool, model: Model) -> None:
    data = wav(tones(440))
    heard = await pool.listen(data)
    assert heard.vector.shape == (160,)
    assert heard.vector.dtype == np.float32
    assert heard.audio_sha256 == hashlib.sha256(data).hexdigest()
    assert heard.seconds_heard == 29
    assert (heard.tags, pool.usual_tags) == (None, None)
    assert (pool.model_id, pool.dimensions, pool.trained) == (model.id, 160, False)


async def test_even_the_untrained_network_hears_what_is_alike(pool: ListeningPool) -> None:
    low, slightly_higher, noise = [
        (await pool.listen(wav(samples))).vector
        for samples in (tones(440), tones(466), 0.1 * np.random.default_rng(0).standard_normal(22_050 * 30))
    ]
    assert likeness(low, slightly_higher) > likeness(low, noise)


async def test_what_can_never_be_heard_is_a_permanent_failure(pool: ListeningPool) -> None:
    with pytest.raises(Silent):
        await pool.listen(wav(np.zeros(22_050 * 10)))
    with pytest.raises(PermanentAudioError):
        await pool.listen(b"no music at all")


async def test_a_crash_of_a_decoder_is_transient(model: Model) -> None:
    class Crashing:
        def decode(self, _: bytes) -> None:
            raise DecoderCrashed("gone")

        def close(self) -> None: ...

    def make() -> IsolatedDecoder:
        return Crashing()  # type: ignore[return-value]

    pool = ListeningPool(model, Decoders(1, make))
    with pytest.raises(DecoderCrashed):
        await pool.listen(b"")
    with pytest.raises(DecoderCrashed):
        await pool.listen(b"the decoder was given back after the first crash")
    pool.close()


def test_a_vector_that_is_not_finite_is_a_permanent_failure() -> None:
    weights = untrained()
    first = weights.layers[0]
    broken = Weights(
        (replace(first, beta=first.beta + np.float32(np.inf)), *weights.layers[1:]),
        weights.sha256,
        trained=False,
        name=weights.name,
    )
    with pytest.raises(VectorNotFinite) as caught:
        Model(broken, shipped(weights)).embed([np.ones(348_000, np.float32)])
    assert isinstance(caught.value, PermanentAudioError)


def test_ids_are_safe_in_a_key_and_tell_models_apart(model: Model) -> None:
    weights = untrained()
    ids = {model.id, Model(weights, None).id}
    assert ids == {"untrained-choi-2017-fixed-19cff226-7f855240-p1", "untrained-choi-2017-clip-19cff226-p1"}
    assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in ids)


def test_no_clips_give_no_vectors(model: Model) -> None:
    assert model.embed([]).vectors.shape == (0, 160)


class TestWithoutWeights:
    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Every way out leads to a closed door of this machine.
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    def test_nothing_is_replaced_unless_it_is_allowed(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsUnavailable, match="CHOI_WEIGHTS"):
            load_model(Choice(name=ModelName.CHOI_2017, model_cache=tmp_path))

    def test_the_untrained_network_is_announced(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            model = load_model(Choice(name=ModelName.CHOI_2017, model_cache=tmp_path, allow_untrained=True))
        assert not model.trained
        assert model.id.startswith("untrained-")
        assert "UNTRAINED" in caplog.text

    def test_a_named_file_is_not_replaced_even_if_it_is_allowed(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsUnavailable):
            load_model(Choice(name=ModelName.CHOI_2017, choi_weights=tmp_path / "nothing", allow_untrained=True))
