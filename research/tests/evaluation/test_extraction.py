from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from soundalike.audio.decoder_pool import DecoderPool
from soundalike.audio.errors import Undecodable
from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.research.evaluation.corpus import identify, read
from soundalike.research.evaluation.distortions import ORIGINAL, SHIFTED
from soundalike.research.evaluation.errors import CacheUnavailable
from soundalike.research.evaluation.extraction import extract
from soundalike.research.evaluation.extractors import MfccStatistics, RandomVector
from soundalike.research.evaluation.vector_cache import MemoryCache, VectorCache, open_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Loudness:
    """Counts its calls, and fails after `breaks_after` of them."""

    id = "loudness"
    rule = DEFAULT_RULE
    rate = RATE

    def __init__(self, *, breaks_after: int = 1000) -> None:
        self.count = 0
        self.breaks_after = breaks_after

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        if self.count >= self.breaks_after:
            raise KeyboardInterrupt
        self.count += 1
        return np.array([np.sqrt(np.mean(np.concatenate(excerpts) ** 2)), 1.0], dtype=np.float32)


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    with DecoderPool(1) as opened:
        yield opened


@pytest.fixture(params=["memory", "file"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorCache]:
    if request.param == "memory":
        yield MemoryCache()
    else:
        with open_cache(tmp_path / "cache" / "vectors.sqlite") as opened:
            yield opened


def run(folder: Path, extractor: Any, cache: VectorCache, decoders: DecoderPool, *, changed: bool = False) -> Any:
    return extract(folder, identify(folder, read(folder))[0], [extractor], cache, decoders, distorted=changed)


def test_a_second_run_hears_nothing_again(
    make_corpus: Callable[..., Path], cache: VectorCache, decoders: DecoderPool
) -> None:
    folder, extractor = make_corpus(2, 2), Loudness()
    first = run(folder, extractor, cache, decoders)
    second = run(folder, extractor, cache, decoders)
    assert extractor.count == 4
    assert np.array_equal(first.vectors["loudness", ORIGINAL], second.vectors["loudness", ORIGINAL])
    assert first.vectors["loudness", ORIGINAL].shape == (4, 2)


def test_a_run_that_was_broken_off_goes_on_where_it_was(
    make_corpus: Callable[..., Path], tmp_path: Path, decoders: DecoderPool
) -> None:
    folder = make_corpus(2, 2)
    file = tmp_path / "vectors.sqlite"
    with pytest.raises(KeyboardInterrupt), open_cache(file) as cache:
        run(folder, Loudness(breaks_after=3), cache, decoders)
    extractor = Loudness()
    with open_cache(file) as cache:
        assert len(run(folder, extractor, cache, decoders).tracks) == 4
    assert extractor.count == 1


def test_each_extractor_gets_the_excerpts_of_its_rule(make_corpus: Callable[..., Path], decoders: DecoderPool) -> None:
    class ExcerptCount(Loudness):
        def __init__(self, rule: ExcerptRule) -> None:
            super().__init__()
            self.rule = rule
            self.id = f"count-{len(rule.tenths)}"

        def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
            return np.array([len(excerpts)], dtype=np.float32)

    folder = make_corpus(1, 2, seconds=70)
    extractors = [ExcerptCount(rule) for rule in (DEFAULT_RULE, ExcerptRule(tenths=(5,)))]
    tracks = identify(folder, read(folder))[0]
    vectors = extract(folder, tracks, extractors, MemoryCache(), decoders, distorted=True).vectors
    for version in (ORIGINAL, SHIFTED, "mp3-64"):
        assert vectors["count-3", version].tolist() == [[3], [3]]
        assert vectors["count-1", version].tolist() == [[1], [1]]


def test_bad_files_are_named_and_skipped(
    make_corpus: Callable[..., Path], cache: VectorCache, decoders: DecoderPool
) -> None:
    folder = make_corpus(2, 2)
    (folder / "album-0/1.wav").write_text("this is no music")
    result = run(folder, Loudness(), cache, decoders)
    assert [one.path for one in result.skipped] == ["album-0/1.wav"]
    assert "not audio" in result.skipped[0].reason
    assert [track.entry.path for track in result.tracks] == ["album-0/0.wav", "album-1/0.wav", "album-1/1.wav"]
    assert len(result.vectors["loudness", ORIGINAL]) == 3


def test_an_extractor_that_refuses_a_recording_skips_it(
    make_corpus: Callable[..., Path], decoders: DecoderPool
) -> None:
    class Refusing(Loudness):
        def __call__(self, _excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
            raise Undecodable("no vector of it")

    result = run(make_corpus(1, 2), Refusing(), MemoryCache(), decoders)
    assert [one.reason for one in result.skipped] == ["no vector of it"] * 2
    assert result.vectors["loudness", ORIGINAL].shape == (0, 0)


def test_changed_versions_are_heard_and_what_is_too_short_is_marked(
    make_corpus: Callable[..., Path], cache: VectorCache, decoders: DecoderPool
) -> None:
    folder, extractor = make_corpus(1, 2, seconds=8), Loudness()
    for _ in range(2):
        result = run(folder, extractor, cache, decoders, changed=True)
        shifted = result.vectors["loudness", SHIFTED]
        assert shifted.shape == (2, 2)
        assert np.isnan(shifted).all()
        ratio = result.vectors["loudness", "louder-6"][:, 0] / result.vectors["loudness", ORIGINAL][:, 0]
        assert ratio == pytest.approx([1.995, 1.995], rel=1e-3)
    assert extractor.count == 2 * 4


def test_a_cache_that_is_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vectors.sqlite"
    file.write_text("a text that is long enough to be no database of SQLite " * 20)
    with pytest.raises(CacheUnavailable, match="--cache"), open_cache(file):
        pass


def test_random_vectors_know_the_samples_again_and_nothing_else() -> None:
    samples = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    one, again, other = (RandomVector()([clip]) for clip in (samples, samples.copy(), samples * 0.5))
    assert np.array_equal(one, again)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.6


def test_mfcc_statistics_are_forty_and_tell_level_by_the_first_only() -> None:
    samples = 0.1 * np.random.default_rng(0).standard_normal(36_000).astype(np.float32)
    quiet, loud = (MfccStatistics()([clip]) for clip in (samples, samples * 2))
    assert quiet.shape == (40,)
    assert np.flatnonzero(np.abs(loud - quiet) > 1e-2).tolist() == [0]
