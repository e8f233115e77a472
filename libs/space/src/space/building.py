"""Building an index version: project, write, index, measure, and vouch for it in a manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Final

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from features.errors import InvalidVectors
from features.projection import Projection
from space.errors import EmptySpace, InvalidBuild
from space.files import DATA_FILES, INDEX, MANIFEST, PROJECTION, URNS, VECTORS, sha256_of, written_whole
from space.manifest import FileEntry, Manifest
from space.search import SpaceSearch, exact_nearest

_NEIGHBOURS: Final = 10
_CHUNK_ROWS: Final = 16_384
# Two float32 cosines closer than this are one and the same neighbour as far as anybody can tell.
_TIE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class BuildParameters:
    """How an index is built and measured.

    `search_k` is the number of nodes a search inspects at first; it is doubled, at most `doublings` times, until
    `recall_goal` is met on `queries` vectors drawn with `seed`. With `jobs` = 1 the same input gives the same bytes;
    more jobs build faster and lay the trees out in the order in which they end.
    """

    trees: int = 50
    search_k: int = 4_000
    seed: int = 1
    jobs: int = 1
    queries: int = 200
    recall_goal: float = 0.98
    doublings: int = 5


@dataclass(frozen=True, slots=True)
class VersionName:
    """Which version of which model is built, up to which write, and when."""

    version: str
    model: str
    up_to_seq: int
    built_at: datetime


def build_version(
    directory: Path,
    name: VersionName,
    raw_vectors: NDArray[np.float32],
    urns: Sequence[str],
    projection: Projection,
    parameters: BuildParameters,
) -> Manifest:
    """Write all files of a version of `raw_vectors` [n, D], named by `urns` [n], into `directory`.

    The manifest is written last, so a folder without one is not a version. Raises `EmptySpace` for no vectors and
    `InvalidBuild` when the parts do not fit together. The recall is only measured here; whether it will do is for
    the caller to say.
    """
    if len(raw_vectors) == 0:
        raise EmptySpace("there are no vectors to build an index of")
    if raw_vectors.ndim != 2 or len(urns) != len(raw_vectors):
        raise InvalidBuild(f"got {len(urns)} urns for vectors {list(raw_vectors.shape)}")
    # Not its parents: they are gone when the caller has given this build up.
    directory.mkdir(exist_ok=True)
    with written_whole(directory / PROJECTION) as path:
        path.write_bytes(projection.to_bytes())
    write_urns(directory / URNS, urns)
    vectors = write_projected(directory / VECTORS, raw_vectors, projection)
    write_index(directory / INDEX, vectors, trees=parameters.trees, seed=parameters.seed, jobs=parameters.jobs)
    search_k, recall = tune(directory / INDEX, vectors, parameters)
    manifest = Manifest(
        version=name.version,
        model=name.model,
        dimensions=projection.dimensions,
        count=len(vectors),
        trees=parameters.trees,
        search_k=search_k,
        seed=parameters.seed,
        annoy=installed_version("annoy"),
        up_to_seq=name.up_to_seq,
        recall_at_10=recall,
        built_at=name.built_at,
        files={
            file: FileEntry(bytes=(directory / file).stat().st_size, sha256=sha256_of(directory / file))
            for file in DATA_FILES
        },
    )
    with written_whole(directory / MANIFEST) as path:
        path.write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def write_urns(path: Path, urns: Sequence[str]) -> None:
    """Write the names of the rows as fixed-width bytes; raises `InvalidBuild` for empty, odd or repeated ones."""
    encoded = [urn.encode() for urn in urns]
    if any(not urn or b"\0" in urn for urn in encoded):
        raise InvalidBuild("a urn is empty or holds a NUL byte")
    array = np.array(encoded, dtype=np.bytes_)
    if len(np.unique(array)) != len(array):
        raise InvalidBuild("a urn occurs twice; every track has one vector")
    with written_whole(path) as part, part.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def write_projected(path: Path, raw_vectors: NDArray[np.float32], projection: Projection) -> NDArray[np.float32]:
    """Project `raw_vectors` [n, D] chunk by chunk into a file and return it memory-mapped, float32 [n, d]."""
    shape = (len(raw_vectors), projection.dimensions)
    with written_whole(path) as part:
        written = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=shape)
        for start in range(0, len(raw_vectors), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            try:
                written[rows] = projection.apply(raw_vectors[rows])
            except InvalidVectors as error:
                raise InvalidBuild(f"rows {start} to {start + len(raw_vectors[rows]) - 1}: {error}") from error
        written.flush()
        del written
    mapped: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def write_index(path: Path, vectors: NDArray[np.float32], *, trees: int, seed: int, jobs: int = 1) -> None:
    """Build an Annoy file whose item numbers are the rows of `vectors` [n, d]; built on disk, not in memory."""
    with written_whole(path) as part:
        index = AnnoyIndex(vectors.shape[1], "angular")
        try:
            index.set_seed(seed)
            index.on_disk_build(str(part))
            for row, vector in enumerate(vectors):
                index.add_item(row, vector)
            index.build(trees, n_jobs=jobs)
        finally:
            index.unload()


def tune(index_file: Path, vectors: NDArray[np.float32], parameters: BuildParameters) -> tuple[int, float]:
    """Return the first `search_k` that meets the recall goal, else the last one tried, and the recall it gives."""
    rows = np.random.default_rng(parameters.seed).permutation(len(vectors))[: parameters.queries]
    search_k = parameters.search_k
    search = SpaceSearch(index_file, vectors, search_k=search_k)
    try:
        recall = measure_recall(search, vectors, rows, search_k=search_k)
        for _ in range(parameters.doublings):
            if recall >= parameters.recall_goal:
                break
            search_k *= 2
            recall = measure_recall(search, vectors, rows, search_k=search_k)
    finally:
        search.close()
    return search_k, recall


def measure_recall(
    search: SpaceSearch, vectors: NDArray[np.float32], rows: NDArray[np.int64], *, search_k: int | None = None
) -> float:
    """Return the share of the true ten nearest neighbours of `rows` [q] that the search finds.

    A query's own row is left out on both sides. Neighbours as near as the true tenth count as found, since which of
    several equal vectors comes first is no question of quality. Where there are fewer than eleven vectors all of
    them are asked for; of a single one everything is found.
    """
    wanted = min(_NEIGHBOURS, len(vectors) - 1)
    if wanted == 0:
        return 1.0
    true_rows, true_cosines = exact_nearest(vectors, np.asarray(vectors[rows]), wanted + 1)
    found = 0
    for row, near_rows, near_cosines in zip(rows, true_rows, true_cosines, strict=True):
        threshold = near_cosines[near_rows != row][:wanted][-1]
        got_rows, got_cosines = search.nearest(vectors[row], wanted + 1, search_k=search_k)
        found += int((got_cosines[got_rows != row][:wanted] >= threshold - _TIE).sum())
    return found / (wanted * len(rows))
