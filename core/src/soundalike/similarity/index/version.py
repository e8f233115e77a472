"""An index version as its readers see it: checked, mapped into memory, searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self

import numpy as np

from soundalike.similarity.errors import InvalidProjection
from soundalike.similarity.index.engine import open_engine
from soundalike.similarity.index.files import INDEX, PROJECTION, URNS, VECTORS
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.search import IndexSearch
from soundalike.similarity.projection import Projection
from soundalike.storage.artifacts.arrays import check_names, check_values, map_array, rows_of
from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.artifacts.verification import VersionFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

_WARM_UP_QUERIES: Final = 100
_WARM_UP_RESULTS: Final = 60
# Vectors have length one, or zero.
_MAX_COMPONENT: Final = 1.001
# What is longer is none of ours, and is read no further.
_MAX_PROJECTION_BYTES: Final = 256 * 1024 * 1024


class Match(NamedTuple):
    """A track of the index and its cosine with the query, between -1 and 1."""

    urn: str
    cosine: float


class IndexVersion:
    """One immutable version, mapped into memory; any number of threads may search it.

    `manifest` describes it, `projection` projects raw vectors to its dimensions.
    """

    def __init__(
        self,
        manifest: Manifest,
        projection: Projection,
        urns: NDArray[np.bytes_],
        vectors: NDArray[np.float32],
        search: IndexSearch,
    ) -> None:
        self.manifest = manifest
        self.projection = projection
        self._urns = urns
        self._vectors = vectors
        self._search = search

    @classmethod
    def open(cls, directory: Path, manifest_sha256: str) -> Self:
        """Verify every file in `directory` (`storage.artifacts.verification`), then map them and check what they hold.

        `manifest_sha256` is what the version's row says of its manifest. Raises `InvalidManifest`, or `CorruptVersion`
        naming the file that is missing, cut short, altered or does not fit; the engine gets no file before all of them
        are checked.
        """
        with VersionFiles.open(directory, Manifest, manifest_sha256) as version:
            manifest, files = version.manifest, version.files
            projection = _read_projection(files[PROJECTION], manifest)
            vectors = map_array(files[VECTORS], np.float32, (manifest.count, manifest.dimensions))
            check_values(vectors, VECTORS, low=-_MAX_COMPONENT, high=_MAX_COMPONENT)
            urns = map_array(files[URNS], np.bytes_, (manifest.count,))
            check_names(urns, URNS)
            engine = open_engine(
                manifest.engine,
                files[INDEX],
                vectors[:, : manifest.search_dimensions],
                parameters=manifest.parameters,
                effort=manifest.effort,
            )
        search = IndexSearch(engine, vectors, search_dimensions=manifest.search_dimensions)
        return cls(manifest, projection, urns, vectors, search)

    def search(self, query: NDArray[np.float32], k: int) -> list[Match]:
        """Return the at most `k` tracks nearest to a projected vector (float32 [d], unit length), best first.

        Fewer come back where the version holds fewer. Raises `InvalidQuery`, `VersionClosed`.
        """
        rows, cosines = self._search.nearest(query, k)
        names = self._urns[rows]
        return [Match(name.decode(), cosine) for name, cosine in zip(names.tolist(), cosines.tolist(), strict=True)]

    def rows_of(self, urns: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows [n] of the tracks, -1 for one that the version does not hold."""
        return rows_of(self._urns, urns)

    def urns_at(self, rows: Sequence[int]) -> list[str]:
        """Return the tracks [n] of the rows."""
        return [name.decode() for name in self._urns[np.asarray(rows, dtype=np.int64)].tolist()]

    def vectors_of(self, urns: Sequence[str]) -> NDArray[np.float32]:
        """Return the projected vectors [n, d] of the tracks, NaN for one that the version does not hold."""
        rows = self.rows_of(urns)
        vectors = np.array(self._vectors[np.maximum(rows, 0)])
        vectors[rows < 0] = np.nan
        return vectors

    def sample(self, count: int) -> NDArray[np.float32]:
        """Return at most `count` projected vectors [n, d], evenly spaced over the rows; always the same ones."""
        rows = np.linspace(0, len(self._vectors) - 1, num=min(count, len(self._vectors)), dtype=np.int64)
        return np.array(self._vectors[rows])

    def warm_up(self) -> None:
        """Search for some of the version's own vectors, so that the pages that most searches need are in memory."""
        for row in np.linspace(0, len(self) - 1, min(len(self), _WARM_UP_QUERIES), dtype=np.int64):
            self.search(self._vectors[row], _WARM_UP_RESULTS)

    def close(self) -> None:
        """Accept no more searches; the files are unmapped after the last running search."""
        self._search.close()

    def __len__(self) -> int:
        return self.manifest.count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read_projection(file: BinaryIO, manifest: Manifest) -> Projection:
    try:
        projection = Projection.from_bytes(file.read(_MAX_PROJECTION_BYTES))
    except InvalidProjection as error:
        raise CorruptVersion(f"{PROJECTION} of version {manifest.version}: {error}") from error
    if projection.dimensions != manifest.dimensions:
        raise CorruptVersion(
            f"{PROJECTION} gives {projection.dimensions} dimensions, the manifest says {manifest.dimensions}"
        )
    return projection
