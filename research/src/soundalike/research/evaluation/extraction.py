"""The vectors of every track of a corpus by every extractor, computed once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.decode import decode
from soundalike.audio.errors import AudioError
from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE
from soundalike.research.evaluation.corpus import Skipped
from soundalike.research.evaluation.distortions import (
    DISTORTIONS,
    ORIGINAL,
    distorted_excerpts,
    plain_excerpts,
    resample_to,
)
from soundalike.research.evaluation.protocols import FULL_BAND, equalise, version_under, without_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.audio.decoder_pool import DecoderPool
    from soundalike.audio.excerpt_rule import ExcerptRule
    from soundalike.research.evaluation.corpus import Track
    from soundalike.research.evaluation.extractors import Extractor
    from soundalike.research.evaluation.vector_cache import VectorCache

    Key = tuple[str, str]
    Excerpts = list[NDArray[np.float32]]

_NONE: Final = np.empty(0, dtype=np.float32)
"""The vector of a version that a recording does not have; it becomes a row of NaN."""


@dataclass(frozen=True, slots=True, eq=False)
class CorpusVectors:
    """The decoded `tracks`, their vectors [n, d] by extractor and version, and the files that were skipped.

    The names of versions under a protocol are those of `protocols.version_under`; `versions` are the plain ones. A row
    of NaN stands for a version that a recording is too short for.
    """

    tracks: list[Track]
    versions: tuple[str, ...]
    vectors: Mapping[Key, NDArray[np.float32]]
    skipped: list[Skipped]


def extract(
    folder: Path,
    tracks: Sequence[Track],
    extractors: Sequence[Extractor],
    cache: VectorCache,
    decoders: DecoderPool,
    *,
    distorted: bool = True,
    protocols: Sequence[str] = (FULL_BAND,),
    advance: Callable[[], None] = lambda: None,
) -> CorpusVectors:
    """Return the vectors of all tracks, from the cache where it has them; new ones are added to it track by track.

    With `distorted` also those of the versions in `research.evaluation.distortions.DISTORTIONS`, all of them under each
    of the `protocols`. `advance` is called after every track.
    """
    versions = (ORIGINAL, *DISTORTIONS) if distorted else (ORIGINAL,)
    by_id = {extractor.id: extractor for extractor in extractors}
    heard = [version_under(protocol, version) for protocol in protocols for version in versions]
    known = {(name, version): cache.load(name, version) for name in by_id for version in heard}
    skipped: list[Skipped] = []

    def extract_track(track: Track) -> dict[Key, NDArray[np.float32]] | Skipped:
        missing = [key for key, vectors in known.items() if track.sha256 not in vectors]
        if not missing:
            return {}
        try:
            return _vectors(folder / track.entry.path, missing, by_id, decoders)
        except (AudioError, OSError) as error:
            return Skipped(track.entry.path, str(error))

    with ThreadPoolExecutor(decoders.count, thread_name_prefix="extraction") as threads:
        try:
            for track, outcome in zip(tracks, threads.map(extract_track, tracks), strict=True):
                if isinstance(outcome, Skipped):
                    skipped.append(outcome)
                elif outcome:
                    cache.save(track.sha256, outcome)
                    for key, vector in outcome.items():
                        known[key][track.sha256] = vector
                advance()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    skipped_paths = {file.path for file in skipped}
    extracted = [track for track in tracks if track.entry.path not in skipped_paths]
    stacked = {}
    for (name, version), vectors in known.items():
        originals = known[name, version_under(protocols[0], ORIGINAL)]
        width = max((len(originals[track.sha256]) for track in extracted), default=0)
        stacked[name, version] = _stack([vectors[track.sha256] for track in extracted], width)
    return CorpusVectors(extracted, versions, stacked, skipped)


def _vectors(
    path: Path, keys: Sequence[Key], extractors: Mapping[str, Extractor], decoders: DecoderPool
) -> dict[Key, NDArray[np.float32]]:
    vectors = {}
    for rule in {extractors[name].rule for name, _ in keys}:
        recording = _Recording(path, rule, decoders)
        for name, version in keys:
            extractor = extractors[name]
            if extractor.rule == rule:
                excerpts = recording.version(version, extractor.rate)
                vectors[name, version] = _NONE if excerpts is None else extractor(excerpts)
    return vectors


class _Recording:
    """The versions of the excerpts that `rule` selects of a file, each made once, when first asked for."""

    def __init__(self, path: Path, rule: ExcerptRule, decoders: DecoderPool) -> None:
        self._path, self._rule = path, rule
        # In isolation first; what is read again in this process has then been read without harm.
        original = decoders.decode_with_retry(path) if rule == DEFAULT_RULE else decode(path, rule)
        self._full_band: dict[int, dict[str, Excerpts | None]] = {RATE: {ORIGINAL: original.separate()}}
        self._equal: dict[str, Excerpts | None] = {}

    def version(self, name: str, rate: int) -> Excerpts | None:
        """Return the excerpts of a version at `rate` Hz, None where the recording is too short for it."""
        plain, is_equal = without_protocol(name)
        if not is_equal:
            return self._at_full_band(plain, rate)
        if plain not in self._equal:
            excerpts = self._at_full_band(plain, RATE)
            self._equal[plain] = None if excerpts is None else equalise(excerpts)
        equal = self._equal[plain]
        return None if equal is None else [resample_to(rate, samples, RATE) for samples in equal]

    def _at_full_band(self, plain: str, rate: int) -> Excerpts | None:
        versions = self._full_band.setdefault(rate, {})
        if plain not in versions:
            if plain == ORIGINAL:
                versions[plain] = plain_excerpts(self._path, self._rule, rate)
            else:
                versions |= distorted_excerpts(self._path, self._rule, rate)
        return versions[plain]


def _stack(vectors: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    stacked = np.full((len(vectors), width), np.nan, dtype=np.float32)
    for row, vector in zip(stacked, vectors, strict=True):
        if len(vector):
            row[:] = vector
    return stacked
