"""A taste version as its readers use it: checked, mapped into memory, queried for similar tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.similarity.taste.manifest import NEIGHBOURS, SIMILARITIES, STARTS, URNS, TasteManifest
from soundalike.storage.artifacts.arrays import check_names, check_values, map_array, rows_of
from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.artifacts.verification import VersionFiles

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Far above what any method gives; the sum of many such is still a number.
_MAX_SIMILARITY: Final = 1e12


class TasteVersion:
    """One immutable version, mapped into memory; any number of threads may use it."""

    def __init__(
        self,
        manifest: TasteManifest,
        urns: NDArray[np.bytes_],
        starts: NDArray[np.int64],
        neighbours: NDArray[np.int32],
        similarities: NDArray[np.float32],
    ) -> None:
        self.manifest = manifest
        self._urns = urns
        self._starts = starts
        self._neighbours = neighbours
        self._similarities = similarities

    @classmethod
    def open(cls, directory: Path, manifest_sha256: str) -> Self:
        """Verify every file in `directory` (`storage.artifacts.verification`), then map them and check what they hold.

        `manifest_sha256` is what the version's row says of its manifest. Raises `InvalidManifest`, or `CorruptVersion`
        naming the file that is missing, cut short, altered or does not fit.
        """
        with VersionFiles.open(directory, TasteManifest, manifest_sha256) as version:
            manifest, files = version.manifest, version.files
            urns = map_array(files[URNS], np.bytes_, (manifest.tracks,))
            starts = map_array(files[STARTS], np.int64, (manifest.tracks + 1,))
            neighbours = map_array(files[NEIGHBOURS], np.int32, (manifest.pairs,))
            similarities = map_array(files[SIMILARITIES], np.float32, (manifest.pairs,))
        check_names(urns, URNS)
        if starts[0] != 0 or starts[-1] != manifest.pairs or (starts[1:] < starts[:-1]).any():
            raise CorruptVersion(f"{STARTS} does not divide the {manifest.pairs} pairs")
        if neighbours.min() < 0 or neighbours.max() >= manifest.tracks:
            raise CorruptVersion(f"{NEIGHBOURS} names tracks beyond the {manifest.tracks} there are")
        check_values(similarities, SIMILARITIES, low=0.0, high=_MAX_SIMILARITY)
        return cls(manifest, urns, starts, neighbours, similarities)

    def with_neighbours(self, urns: Sequence[str]) -> tuple[str, ...]:
        """Return those of `urns` that have neighbours."""
        rows = rows_of(self._urns, urns)
        has_neighbours = (rows >= 0) & (self._starts[rows + 1] > self._starts[rows])
        return tuple(urn for urn, keep in zip(urns, has_neighbours.tolist(), strict=True) if keep)

    def similar_tracks(self, urns: Sequence[str], k: int, *, without: Collection[str] = ()) -> dict[str, float]:
        """Return the at most `k` tracks most similar to `urns` together, best first, without these and `without`.

        A value is the lift: how many times more similar than two tracks are on average. The similarities to each of
        `urns` that has neighbours are averaged; that of a track that is no neighbour is 0.
        """
        rows = rows_of(self._urns, self.with_neighbours(urns))
        if not len(rows):
            return {}
        ranges = [slice(int(self._starts[row]), int(self._starts[row + 1])) for row in rows]
        numbers = np.concatenate([self._neighbours[range_] for range_ in ranges])
        candidates, positions = np.unique(numbers, return_inverse=True)
        sums = np.bincount(positions, weights=np.concatenate([self._similarities[range_] for range_ in ranges]))
        allowed = ~np.isin(candidates, rows_of(self._urns, [*urns, *without]))
        candidates, sums = candidates[allowed], sums[allowed]
        best = np.lexsort((candidates, -sums))[:k]
        lifts = sums[best] / (len(rows) * self.manifest.background)
        names = self._urns[candidates[best]].tolist()
        return {name.decode(): lift for name, lift in zip(names, lifts.tolist(), strict=True)}

    def __contains__(self, urn: object) -> bool:
        return isinstance(urn, str) and bool(rows_of(self._urns, [urn])[0] >= 0)

    def __len__(self) -> int:
        return self.manifest.tracks
