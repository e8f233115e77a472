from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from soundalike.audio.decoder_pool import DecoderPool
from soundalike.audio.errors import DecoderCrashed, PermanentAudioError, Silent
from soundalike.extractor.embedder import ListeningPool
from soundalike.extractor.errors import VectorNotFinite, WeightsUnavailable
from soundalike.extractor.model import Model
from soundalike.extractor.models.registry import Choice, ModelName, load_model

from .signals import likeness, random_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soundalike.audio.isolate import IsolatedDecoder


def wav(samples: np.ndarray, rate: int = 22_050) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV")
    return buffer.getvalue()


def tones(hertz: float, seconds: float = 30.0, rate: int = 22_050) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * hertz * t) * (t % 0.5 < 0.25)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(Choice())


@pytest.fixture(scope="module")
def pool(model: Model) -> Iterator[ListeningPool]:
    pool = ListeningPool(model, DecoderPool(2))
    yield pool
    pool.close()


async def test_a_preview_becomes_a_vector(pool: ListeningPool, model: Model) -> None:
    data = wav(tones(440))
    heard = await pool.listen(data)
    assert heard.vector.shape == (160,)
    assert heard.vector.dtype == np.float32
    assert heard.audio_sha256 == hashlib.sha256(data).hexdigest()
    assert heard.seconds_heard == 29
    assert heard.tags is not None
    assert heard.tags.shape == (50,)
    assert pool.usual_tags is not None
    assert len(pool.usual_tags) == 50
    assert (pool.model_id, pool.dimensions) == (model.id, 160)


async def test_what_is_alike_is_heard_as_alike(pool: ListeningPool) -> None:
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

    pool = ListeningPool(model, DecoderPool(1, make))
    with pytest.raises(DecoderCrashed):
        await pool.listen(b"")
    with pytest.raises(DecoderCrashed):
        await pool.listen(b"the decoder was given back after the first crash")
    pool.close()


def test_a_vector_that_is_not_finite_is_a_permanent_failure() -> None:
    weights, statistics = random_network()
    first = weights.layers[0]
    broken = replace(first, beta=first.beta + np.float32(np.inf))
    with pytest.raises(VectorNotFinite) as caught:
        Model(replace(weights, layers=(broken, *weights.layers[1:])), statistics).embed([np.ones(348_000, np.float32)])
    assert isinstance(caught.value, PermanentAudioError)


def test_ids_are_safe_in_a_key_and_tell_models_apart() -> None:
    (weights, statistics), (other, other_statistics) = random_network(1), random_network(2)
    given = [(weights, statistics), (weights, other_statistics), (other, statistics), (weights, None)]
    ids = [Model(*one).id for one in given]
    assert ids[0] == f"random-fixed-01010101-{statistics.sha256[:8]}-p1"
    assert ids[3] == "random-clip-01010101-p1"
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in ids)


def test_no_clips_give_no_vectors(model: Model) -> None:
    assert model.embed([]).vectors.shape == (0, 160)


class TestWithoutPublishedWeights:
    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Every way out leads to a closed door of this machine.
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    def test_their_model_is_replaced_by_no_other(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsUnavailable, match="CHOI_WEIGHTS"):
            load_model(Choice(name=ModelName.CHOI_2017, model_cache=tmp_path))

    def test_our_own_model_needs_none(self, tmp_path: Path) -> None:
        assert load_model(Choice(model_cache=tmp_path)).id.startswith("soundalike-1-fixed-")
        assert not list(tmp_path.iterdir())
