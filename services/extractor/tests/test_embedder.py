from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from soundalike.audio.clip import encode_clip
from soundalike.audio.decode import decode
from soundalike.audio.decoder_pool import DecoderPool
from soundalike.audio.errors import DecoderCrashed, PermanentAudioError, Silent
from soundalike.audio.excerpt_rule import ExcerptRule
from soundalike.extractor.embedder import EmbedderPool
from soundalike.extractor.errors import VectorNotFinite, WeightsUnavailable
from soundalike.extractor.model import Model
from soundalike.extractor.models.registry import ModelChoice, ModelName, load_model

from .signals import cosine, random_network

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
    return load_model(ModelChoice())


@pytest.fixture(scope="module")
def pool(model: Model) -> Iterator[EmbedderPool]:
    pool = EmbedderPool(model, DecoderPool(2))
    yield pool
    pool.close()


async def test_a_clip_of_a_long_file_gets_exactly_the_vector_of_the_file(pool: EmbedderPool, model: Model) -> None:
    whole = wav(np.concatenate([tones(hertz) for hertz in (220, 440, 880, 1_760)]))
    of_file, of_clip = await pool.embed(whole), await pool.embed(encode_clip(whole))
    assert of_file.seconds_analysed == of_clip.seconds_analysed == 87
    np.testing.assert_array_equal(of_clip.vector, of_file.vector)
    np.testing.assert_array_equal(of_clip.tags, of_file.tags)
    # The middle alone is other music.
    (single,) = model.embed(decode(whole, ExcerptRule(tenths=(5,))).separate()).vectors
    assert not np.allclose(of_file.vector, single, atol=0.01)


async def test_a_preview_becomes_a_vector(pool: EmbedderPool, model: Model) -> None:
    data = wav(tones(440))
    result = await pool.embed(data)
    assert result.vector.shape == (160,)
    assert result.vector.dtype == np.float32
    assert result.audio_sha256 == hashlib.sha256(data).hexdigest()
    assert result.seconds_analysed == 29
    assert result.tags is not None
    assert result.tags.shape == (50,)
    assert pool.mean_tag_probabilities is not None
    assert len(pool.mean_tag_probabilities) == 50
    assert (pool.model_id, pool.dimensions) == (model.id, 160)


async def test_similar_sounds_have_similar_vectors(pool: EmbedderPool) -> None:
    low, slightly_higher, noise = [
        (await pool.embed(wav(samples))).vector
        for samples in (tones(440), tones(466), 0.1 * np.random.default_rng(0).standard_normal(22_050 * 30))
    ]
    assert cosine(low, slightly_higher) > cosine(low, noise)


async def test_a_file_that_cannot_be_decoded_is_a_permanent_failure(pool: EmbedderPool) -> None:
    with pytest.raises(Silent):
        await pool.embed(wav(np.zeros(22_050 * 10)))
    with pytest.raises(PermanentAudioError):
        await pool.embed(b"no music at all")


async def test_a_crash_of_a_decoder_is_transient(model: Model) -> None:
    class Crashing:
        def decode(self, *_: object, **__: object) -> None:
            raise DecoderCrashed("gone")

        def close(self) -> None: ...

    def make() -> IsolatedDecoder:
        return Crashing()  # type: ignore[return-value]

    pool = EmbedderPool(model, DecoderPool(1, make))
    with pytest.raises(DecoderCrashed):
        await pool.embed(b"")
    with pytest.raises(DecoderCrashed):
        await pool.embed(b"the decoder is free again after the first crash")
    pool.close()


def test_a_vector_that_is_not_finite_is_a_permanent_failure() -> None:
    weights, statistics = random_network()
    first = weights.layers[0]
    broken = replace(first, beta=first.beta + np.float32(np.inf))
    with pytest.raises(VectorNotFinite) as caught:
        Model(replace(weights, layers=(broken, *weights.layers[1:])), statistics).embed([np.ones(348_000, np.float32)])
    assert isinstance(caught.value, PermanentAudioError)


def test_ids_are_safe_in_a_key_and_unique() -> None:
    (weights, statistics), (other, other_statistics) = random_network(1), random_network(2)
    parts = [(weights, statistics), (weights, other_statistics), (other, statistics), (weights, None)]
    ids = [Model(*pair).id for pair in parts]
    assert ids[0] == f"random-fixed-01010101-{statistics.sha256[:8]}-p2"
    assert ids[3] == "random-clip-01010101-p2"
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[a-z0-9-]+", model_id) for model_id in ids)


def test_no_clips_give_no_vectors(model: Model) -> None:
    assert model.embed([]).vectors.shape == (0, 160)


class TestWithoutPublishedWeights:
    @pytest.fixture(autouse=True)
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Every request goes to a closed port of this machine.
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    def test_the_published_model_is_not_replaced_by_another(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsUnavailable, match="CHOI_WEIGHTS"):
            load_model(ModelChoice(name=ModelName.CHOI_2017, model_cache=tmp_path))

    def test_the_builtin_model_needs_none(self, tmp_path: Path) -> None:
        assert load_model(ModelChoice(model_cache=tmp_path)).id.startswith("soundalike-1-fixed-")
        assert not list(tmp_path.iterdir())


def test_the_vector_of_a_recording_is_the_mean_of_its_excerpts_by_their_lengths(model: Model) -> None:
    rng = np.random.default_rng(3)
    excerpts = [rng.standard_normal(seconds * 12_000).astype(np.float32) * 0.1 for seconds in (29, 29, 8)]
    excerpts[1] *= np.sin(np.arange(len(excerpts[1])) / 500).astype(np.float32) ** 8
    single = model.embed(excerpts)
    whole = model.embed_recording(excerpts)
    weights = np.array([29, 29, 8]) / 66
    np.testing.assert_allclose(whole.vector, weights @ single.vectors, rtol=1e-5, atol=1e-6)
    assert single.tags is not None
    assert whole.tags is not None
    np.testing.assert_allclose(whole.tags, weights @ single.tags, rtol=1e-5)
    assert (whole.vector.dtype, whole.tags.dtype) == (np.float32, np.float32)
    # A single excerpt keeps every bit.
    np.testing.assert_array_equal(model.embed_recording(excerpts[:1]).vector, model.embed(excerpts[:1]).vectors[0])
