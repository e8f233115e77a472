"""An index version as its readers see it: checked, mapped into memory, searched."""

from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.errors import InvalidProjection
from features.projection import Projection
from space.errors import CorruptVersion
from space.files import DATA_FILES, INDEX, MANIFEST, PROJECTION, URNS, VECTORS, sha256_of
from space.manifest import Manifest
from space.search import SpaceSearch


class Match(NamedTuple):
    """A track of the index and its cosine with the query, between -1 and 1."""

    urn: str
    cosine: float


class IndexVersion:
    """One immutable version, mapped into memory; any number of threads may search it.

    `manifest` tells what it is, `projection` takes raw vectors into its space.
    """

    def __init__(
        self,
        manifest: Manifest,
        projection: Projection,
        urns: NDArray[np.bytes_],
        vectors: NDArray[np.float32],
        search: SpaceSearch,
    ) -> None:
        self.manifest = manifest
        self.projection = projection
        self._urns = urns
        self._vectors = vectors
        self._search = search

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Check every file of the version in `directory` against its manifest, then map them.

        Raises `InvalidManifest`, or `CorruptVersion` naming the file that is missing, cut short, altered or does not
        fit; nothing is handed to Annoy before all of it was checked.
        """
        try:
            manifest = Manifest.from_json((directory / MANIFEST).read_bytes())
        except OSError as error:
            raise CorruptVersion(f"{directory} holds no index version: {error.strerror} {MANIFEST}") from error
        for name in DATA_FILES:
            _verify(directory / name, manifest)
        try:
            projection = Projection.load(directory / PROJECTION)
        except InvalidProjection as error:
            raise CorruptVersion(f"{PROJECTION} of version {manifest.version}: {error}") from error
        if projection.dimensions != manifest.dimensions:
            raise CorruptVersion(
                f"{PROJECTION} gives {projection.dimensions} dimensions, the manifest says {manifest.dimensions}"
            )
        vectors = _mapped(directory / VECTORS, np.float32, (manifest.count, manifest.dimensions))
        urns = _mapped(directory / URNS, np.bytes_, (manifest.count,))
        search = SpaceSearch(directory / INDEX, vectors, search_k=manifest.search_k)
        return cls(manifest, projection, urns, vectors, search)

    def search(self, query: NDArray[np.float32], k: int) -> list[Match]:
        """Return the at most `k` tracks nearest to a projected vector (float32 [d], unit length), best first.

        Fewer come back only where the version holds fewer. Raises `InvalidQuery`, `VersionClosed`.
        """
        rows, cosines = self._search.nearest(query, k)
        names = self._urns[rows]
        return [Match(name.decode(), float(cosine)) for name, cosine in zip(names.tolist(), cosines, strict=True)]

    def close(self) -> None:
        """Accept no more searches; the files are unmapped when the last search under way has ended."""
        self._search.close()

    def __len__(self) -> int:
        return self.manifest.count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _verify(path: Path, manifest: Manifest) -> None:
    expected = manifest.files[path.name]
    try:
        size = path.stat().st_size
        if size != expected.bytes:
            raise CorruptVersion(
                f"{path.name} of version {manifest.version} has {size} bytes instead of {expected.bytes}; "
                "fetch the version again"
            )
        if sha256_of(path) != expected.sha256:
            raise CorruptVersion(
                f"{path.name} of version {manifest.version} was altered (SHA-256 differs); fetch the version again"
            )
    except OSError as error:
        raise CorruptVersion(f"{path.name} of version {manifest.version}: {error.strerror}") from error


def _mapped(path: Path, kind: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptVersion(f"{path.name} is not an array: {error}") from error
    if array.shape != shape or array.dtype.type is not kind:
        raise CorruptVersion(f"{path.name} holds {array.dtype} {list(array.shape)} instead of {kind} {list(shape)}")
    return array
