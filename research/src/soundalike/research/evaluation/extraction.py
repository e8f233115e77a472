"""The vectors of every track of a corpus by every extractor, computed once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.decode import decode
from soundalike.audio.errors import AudioError
from soundalike.audio.excerpt_rule import DEFAULT_RULE
from soundalike.research.evaluation.corpus import Skipped
from soundalike.research.evaluation.distortions import DISTORTIONS, ORIGINAL, distorted_excerpts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.audio.decoder_pool import DecoderPool
    from soundalike.research.evaluation.corpus import Track
    from soundalike.research.evaluation.extractors import Extractor
    from soundalike.research.evaluation.vector_cache import VectorCache

    Key = tuple[str, str]

_NONE: Final = np.empty(0, dtype=np.float32)
"""The vector of a version that a recording does not have; it becomes a row of NaN."""


@dataclass(frozen=True, slots=True, eq=False)
class CorpusVectors:
    """The decoded `tracks`, their vectors [n, d] by extractor and version, and the files that were skipped.

    A row of NaN stands for a version that a recording is too short for.
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
    advance: Callable[[], None] = lambda: None,
) -> CorpusVectors:
    """Return the vectors of all tracks, from the cache where it has them; new ones are added to it track by track.

    With `distorted` also those of the versions in `research.evaluation.distortions.DISTORTIONS`. `advance` is called
    after every track.
    """
    versions = (ORIGINAL, *DISTORTIONS) if distorted else (ORIGINAL,)
    by_id = {extractor.id: extractor for extractor in extractors}
    known = {(name, version): cache.load(name, version) for name in by_id for version in versions}
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
        width = max((len(known[name, ORIGINAL][track.sha256]) for track in extracted), default=0)
        stacked[name, version] = _stack([vectors[track.sha256] for track in extracted], width)
    return CorpusVectors(extracted, versions, stacked, skipped)


def _vectors(
    path: Path, keys: Sequence[Key], extractors: Mapping[str, Extractor], decoders: DecoderPool
) -> dict[Key, NDArray[np.float32]]:
    vectors = {}
    for rule in {extractors[name].rule for name, _ in keys}:
        chosen = [key for key in keys if extractors[key[0]].rule == rule]
        versions: dict[str, list[NDArray[np.float32]] | None] = {}
        if rule == DEFAULT_RULE:
            versions[ORIGINAL] = decoders.decode_with_retry(path).separate()
        else:
            versions[ORIGINAL] = decode(path, rule).separate()
        if any(version != ORIGINAL for _, version in chosen):
            versions |= distorted_excerpts(path, rule)
        for name, version in chosen:
            excerpts = versions[version]
            vectors[name, version] = _NONE if excerpts is None else extractors[name](excerpts)
    return vectors


def _stack(vectors: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    stacked = np.full((len(vectors), width), np.nan, dtype=np.float32)
    for row, vector in zip(stacked, vectors, strict=True):
        if len(vector):
            row[:] = vector
    return stacked
