"""Hearing every track of a corpus with every extractor, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.errors import AudioError
from soundalike.research.evaluation.corpus import Skipped
from soundalike.research.evaluation.distortions import CHANGED, ORIGINAL, hear_changed

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
class Extraction:
    """The `tracks` that could be heard, their vectors [n, d] by extractor and version, and the files that were not.

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
    changed: bool = True,
    advance: Callable[[], None] = lambda: None,
) -> Extraction:
    """Return the vectors of all tracks, from the cache where it has them; what is new is kept there track by track.

    With `changed` the versions of `research.evaluation.distortions.CHANGED` are heard too. `advance` is told of every
    track.
    """
    versions = (ORIGINAL, *CHANGED) if changed else (ORIGINAL,)
    by_id = {extractor.id: extractor for extractor in extractors}
    known = {(name, version): cache.known(name, version) for name in by_id for version in versions}
    skipped: list[Skipped] = []

    def hear(track: Track) -> dict[Key, NDArray[np.float32]] | Skipped:
        missing = [key for key, vectors in known.items() if track.sha256 not in vectors]
        if not missing:
            return {}
        try:
            heard = _listen(folder / track.entry.path, decoders, changed=any(key[1] != ORIGINAL for key in missing))
            return {key: _vector(by_id[key[0]], heard, key[1]) for key in missing}
        except (AudioError, OSError) as error:
            return Skipped(track.entry.path, str(error))

    with ThreadPoolExecutor(decoders.count, thread_name_prefix="hearing") as threads:
        try:
            for track, outcome in zip(tracks, threads.map(hear, tracks), strict=True):
                if isinstance(outcome, Skipped):
                    skipped.append(outcome)
                elif outcome:
                    cache.keep(track.sha256, outcome)
                    for key, vector in outcome.items():
                        known[key][track.sha256] = vector
                advance()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    lost = {one.path for one in skipped}
    heard = [track for track in tracks if track.entry.path not in lost]
    stacked = {}
    for (name, version), vectors in known.items():
        width = max((len(known[name, ORIGINAL][track.sha256]) for track in heard), default=0)
        stacked[name, version] = _stack([vectors[track.sha256] for track in heard], width)
    return Extraction(heard, versions, stacked, skipped)


def _listen(path: Path, decoders: DecoderPool, *, changed: bool) -> dict[str, NDArray[np.float32] | None]:
    heard: dict[str, NDArray[np.float32] | None] = {ORIGINAL: decoders.decode_with_retry(path).samples}
    return heard | hear_changed(path) if changed else heard


def _vector(extractor: Extractor, heard: Mapping[str, NDArray[np.float32] | None], version: str) -> NDArray[np.float32]:
    samples = heard[version]
    return _NONE if samples is None else extractor(samples)


def _stack(vectors: list[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    stacked = np.full((len(vectors), width), np.nan, dtype=np.float32)
    for row, vector in zip(stacked, vectors, strict=True):
        if len(vector):
            row[:] = vector
    return stacked
