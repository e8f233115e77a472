"""What one request searches: index version and tail as they were when it arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence, Set
    from random import Random

    from numpy.typing import NDArray

    from soundalike.api.tail import TailView
    from soundalike.db.models import EmbeddingModel
    from soundalike.similarity.index.version import IndexVersion, Match
    from soundalike.similarity.projection import Projection

_MIN_DRAW: Final = 32


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Snapshot:
    """The space of one model; `version` is None while everything is tail.

    `absent` are the tracks that may be in the version but in no answer, forgotten or gone; `absent_indexed` is how many
    of them are in it.
    A request holds on to its snapshot, and with it to the memory map, until it has answered: an index version is
    unmapped when the last request that began with it has ended.
    """

    model: EmbeddingModel
    version: IndexVersion | None
    projection: Projection
    tail: TailView
    absent: Set[str] = frozenset()
    absent_indexed: int = 0

    @property
    def version_name(self) -> str | None:
        """Name of the index version."""
        return self.version.manifest.version if self.version else None

    @property
    def indexed(self) -> int:
        """Number of tracks in the index version, without those that are absent."""
        return len(self.version) - self.absent_indexed if self.version else 0

    @property
    def reach(self) -> int:
        """How many neighbours have to be requested to get all."""
        return self.indexed + len(self.tail)

    @property
    def centre(self) -> NDArray[np.float32] | None:
        """The middle [d] of the vectors where the projection has not moved it to zero."""
        return None if self.version else self.tail.centre

    def project(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take raw vectors [n, D] into the space, float32 [n, d]."""
        return self.projection.apply(raw)

    def search(self, query: NDArray[np.float32], k: int) -> list[Match]:
        """Return the at most `k` tracks nearest to a projected vector [d], best first, each once, with exact cosines.

        A track that is in both counts from the tail only, one that is absent not at all. Fewer than `k` come back
        only where there are fewer.
        """
        if self.version is not None and not self.absent and not len(self.tail):
            return self.version.search(query, k)
        merged = self.tail.search(query, k) + self._indexed_only(query, k)
        return sorted(merged, key=lambda match: (-match.cosine, match.urn))[:k]

    def vectors(self, urns: Sequence[str]) -> NDArray[np.float32]:
        """Return the projected vectors [n, d] of tracks, NaN for one that is neither in the tail nor in the version.

        What is in both comes from the tail. Reads mapped files and memory only.
        """
        if self.version is None:
            vectors = np.full((len(urns), self.projection.dimensions), np.nan, np.float32)
        else:
            vectors = self.version.vectors_of(urns)
        rows = self.tail.rows_of(urns)
        newer = rows >= 0
        vectors[newer] = self.tail.vectors[rows[newer]]
        return vectors

    def sample(self, count: int) -> NDArray[np.float32]:
        """Return at most `count` projected vectors [n, d] of the version, or of the tail while there is none."""
        if self.version is not None:
            return self.version.sample(count)
        rows = np.flatnonzero(self.tail.alive)
        return self.tail.vectors[rows[:: max(1, -(-len(rows) // count))]]

    def random_urns(self, count: int, source: Random) -> list[str]:
        """Draw at most `count` tracks, each once and each with the same probability.

        Rows are drawn, and those that do not count are left out, so that the cost depends on `count` and not on the
        number of tracks; only where most rows do not count are all of them looked at.
        """
        indexed = len(self.version) if self.version else 0
        total = indexed + len(self.tail.alive)
        width = max(_MIN_DRAW, 2 * count)
        while True:
            rows = source.sample(range(total), min(width, total))
            urns = [urn for row in rows if (urn := self._urn_at(row, indexed)) is not None]
            if len(urns) >= count or width >= total:
                return urns[:count]
            width *= 4

    def _urn_at(self, row: int, indexed: int) -> str | None:
        """Return the track of a row of the version, or of the tail behind it, None for one that does not count."""
        if self.version is None or row >= indexed:
            return self.tail.urns[row - indexed] if self.tail.alive[row - indexed] else None
        [urn] = self.version.urns_at([row])
        return None if urn in self.tail or urn in self.absent else urn

    def _indexed_only(self, query: NDArray[np.float32], k: int) -> list[Match]:
        if self.version is None:
            return []
        width = k
        while True:
            matches = [
                match
                for match in self.version.search(query, width)
                if match.urn not in self.tail and match.urn not in self.absent
            ]
            if len(matches) >= k or width >= len(self.version):
                return matches[:k]
            width *= 2
