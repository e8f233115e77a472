"""A taste version as its readers see it: checked, mapped into memory, asked for what goes together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from space.files import sha256_of
from taste.errors import CorruptTaste
from taste.manifest import DATA_FILES, MANIFEST, NEIGHBOURS, SIMILARITIES, STARTS, URNS, TasteManifest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class TasteVersion:
    """One immutable version, mapped into memory; any number of threads may ask it."""

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
    def open(cls, directory: Path) -> Self:
        """Check every file in `directory` against its manifest, then map them.

        Raises `InvalidTaste`, or `CorruptTaste` naming the file that is missing, cut short, altered or does not fit.
        """
        try:
            manifest = TasteManifest.from_json((directory / MANIFEST).read_bytes())
        except OSError as error:
            raise CorruptTaste(f"{directory} holds no taste version: {error.strerror} {MANIFEST}") from error
        for name in DATA_FILES:
            _verify(directory / name, manifest)
        urns = _mapped(directory / URNS, np.bytes_, manifest.tracks)
        starts = _mapped(directory / STARTS, np.int64, manifest.tracks + 1)
        neighbours = _mapped(directory / NEIGHBOURS, np.int32, manifest.pairs)
        similarities = _mapped(directory / SIMILARITIES, np.float32, manifest.pairs)
        if starts[0] != 0 or starts[-1] != manifest.pairs or (np.diff(starts) < 0).any():
            raise CorruptTaste(f"{STARTS} does not divide the {manifest.pairs} pairs")
        if neighbours.min() < 0 or neighbours.max() >= manifest.tracks:
            raise CorruptTaste(f"{NEIGHBOURS} names tracks beyond the {manifest.tracks} there are")
        return cls(manifest, urns, starts, neighbours, similarities)

    def known(self, urns: Sequence[str]) -> tuple[str, ...]:
        """Return those of `urns` that have neighbours."""
        rows = self._rows_of(urns)
        found = (rows >= 0) & (self._starts[rows + 1] > self._starts[rows])
        return tuple(urn for urn, holds in zip(urns, found.tolist(), strict=True) if holds)

    def kindred(self, urns: Sequence[str], k: int, *, without: Collection[str] = ()) -> dict[str, float]:
        """Return the at most `k` tracks that go best with `urns` together, best first, none of these or `without`.

        A value is the lift: how many times more similar than two tracks usually are. The similarities to each of
        those that have neighbours are averaged, a track that is no neighbour having none.
        """
        rows = self._rows_of(self.known(urns))
        if not len(rows):
            return {}
        reaches = [slice(int(self._starts[row]), int(self._starts[row + 1])) for row in rows]
        numbers = np.concatenate([self._neighbours[reach] for reach in reaches])
        found, places = np.unique(numbers, return_inverse=True)
        sums = np.bincount(places, weights=np.concatenate([self._similarities[reach] for reach in reaches]))
        admitted = ~np.isin(found, self._rows_of([*urns, *without]))
        found, sums = found[admitted], sums[admitted]
        best = np.lexsort((found, -sums))[:k]
        lifts = sums[best] / (len(rows) * self.manifest.background)
        names = self._urns[found[best]].tolist()
        return {name.decode(): lift for name, lift in zip(names, lifts.tolist(), strict=True)}

    def __contains__(self, urn: object) -> bool:
        return isinstance(urn, str) and bool(self._rows_of([urn])[0] >= 0)

    def __len__(self) -> int:
        return self.manifest.tracks

    def _rows_of(self, urns: Sequence[str]) -> NDArray[np.int64]:
        width = self._urns.dtype.itemsize
        # A wider array would be compared with a widened copy of all names.
        encoded = [name if len(name) <= width else b"" for name in map(str.encode, urns)]
        wanted = np.array(encoded, dtype=self._urns.dtype)
        rows = np.minimum(np.searchsorted(self._urns, wanted), len(self._urns) - 1)
        return np.where(self._urns[rows] == wanted, rows, -1)


def _verify(path: Path, manifest: TasteManifest) -> None:
    entry = manifest.files[path.name]
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CorruptTaste(f"{path.name} of version {manifest.version}: {error.strerror}") from error
    if size != entry.bytes:
        raise CorruptTaste(f"{path.name} of version {manifest.version} has {size} bytes instead of {entry.bytes}")
    if sha256_of(path) != entry.sha256:
        raise CorruptTaste(f"{path.name} of version {manifest.version} is not what was written")


def _mapped(path: Path, kind: type[np.generic], length: int) -> NDArray[Any]:
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptTaste(f"{path.name} is not an array: {error}") from error
    if mapped.shape != (length,) or mapped.dtype.type is not kind:
        raise CorruptTaste(f"{path.name} holds {mapped.dtype} {list(mapped.shape)} instead of {kind} [{length}]")
    return np.asarray(mapped)
