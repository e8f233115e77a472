"""The build of an index version: project, write, index, measure, and describe all of it in a manifest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.similarity.errors import InvalidVectors
from soundalike.similarity.index.engine import INITIAL_EFFORT, EngineName, engine_version, open_engine, write_index
from soundalike.similarity.index.errors import EmptyIndex, InvalidBuildInput
from soundalike.similarity.index.files import DATA_FILES, INDEX, PROJECTION, URNS, VECTORS
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.recall import RecallBenchmark, tune_effort
from soundalike.similarity.index.search import IndexSearch
from soundalike.storage.artifacts.arrays import write_names
from soundalike.storage.artifacts.manifest import file_entries
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.similarity.projection import Projection

log = logging.getLogger(__name__)

_CHUNK_ROWS: Final = 16_384
_REPORT_CHUNKS: Final = 8


@dataclass(frozen=True, slots=True)
class BuildParameters:
    """How an index is built and measured.

    The engine gets the first `search_dimensions` of the projected vectors. Annoy gets `trees`, USearch `connectivity`
    and `expansion`. The effort of a search (`similarity.index.engine.Engine`) starts at `effort`, at the engine's
    default where that is None, and is doubled, at most `doublings` times, until `recall_goal` is met on `queries`
    vectors drawn with `seed`. With `jobs` = 1 the same input gives the same bytes; more jobs build faster.
    """

    engine: EngineName = "annoy"
    search_dimensions: int = 64
    trees: int = 50
    connectivity: int = 24
    expansion: int = 128
    effort: int | None = None
    seed: int = 1
    jobs: int = 1
    queries: int = 400
    recall_goal: float = 0.98
    doublings: int = 6

    @property
    def engine_parameters(self) -> Mapping[str, int]:
        """What this engine is built with."""
        if self.engine == "annoy":
            return {"trees": self.trees}
        return {"connectivity": self.connectivity, "expansion": self.expansion}


@dataclass(frozen=True, slots=True)
class VersionIdentity:
    """Which version of which model is built, up to which write, and when."""

    version: str
    model: str
    up_to_seq: int
    built_at: datetime


def build_version(
    directory: Path,
    identity: VersionIdentity,
    raw_vectors: NDArray[np.float32],
    urns: Sequence[str],
    projection: Projection,
    parameters: BuildParameters,
) -> Manifest:
    """Write all files of a version of `raw_vectors` [n, D], named by `urns` [n], into `directory`.

    A file that exists already is used as it is: a build that was interrupted continues, provided that its input is the
    same. The manifest is written last, so a folder without one is not a version. Raises
    `EmptyIndex` for no vectors, `InvalidBuildInput` or `InvalidNames` when the parts do not fit together and
    `EngineMissing`. The recall is only measured here; whether it is enough is up to the caller.
    """
    if len(raw_vectors) == 0:
        raise EmptyIndex("there are no vectors to index")
    if raw_vectors.ndim != 2 or len(urns) != len(raw_vectors):
        raise InvalidBuildInput(f"got {len(urns)} urns for vectors {list(raw_vectors.shape)}")
    # Not its parents: they are gone when the caller has abandoned this build.
    directory.mkdir(exist_ok=True)
    search_dimensions = min(parameters.search_dimensions, projection.dimensions)
    with atomic_write(directory / PROJECTION) as path:
        path.write_bytes(projection.to_bytes())
    order = write_names(directory / URNS, urns)
    vectors = _existing(directory / VECTORS) or write_projected(directory / VECTORS, raw_vectors, order, projection)
    mapped: NDArray[np.float32] = np.load(vectors, mmap_mode="r", allow_pickle=False)
    if not _existing(directory / INDEX):
        log.info(
            "building the %s index of %d vectors, %d dimensions", parameters.engine, len(mapped), search_dimensions
        )
        write_index(
            parameters.engine,
            directory / INDEX,
            mapped[:, :search_dimensions],
            parameters=parameters.engine_parameters,
            seed=parameters.seed,
            jobs=parameters.jobs,
        )
    log.info("measuring the recall")
    effort, recall = _tune(directory / INDEX, mapped, search_dimensions, parameters)
    manifest = Manifest(
        version=identity.version,
        model=identity.model,
        dimensions=projection.dimensions,
        search_dimensions=search_dimensions,
        count=len(mapped),
        engine=parameters.engine,
        engine_version=engine_version(parameters.engine),
        parameters=dict(parameters.engine_parameters),
        effort=effort,
        seed=parameters.seed,
        up_to_seq=identity.up_to_seq,
        recall_at_10=recall,
        built_at=identity.built_at,
        files=file_entries(directory, DATA_FILES),
    )
    manifest.write(directory)
    return manifest


def write_projected(
    path: Path, raw_vectors: NDArray[np.float32], order: NDArray[np.int64], projection: Projection
) -> Path:
    """Project `raw_vectors` [n, D] in `order` [n], chunk by chunk, into a file of float32 [n, d]."""
    count = len(raw_vectors)
    with atomic_write(path) as part:
        shape = (count, projection.dimensions)
        written = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=shape)
        for number, start in enumerate(range(0, count, _CHUNK_ROWS), 1):
            rows = slice(start, start + _CHUNK_ROWS)
            try:
                written[rows] = projection.apply(raw_vectors[order[rows]])
            except InvalidVectors as error:
                raise InvalidBuildInput(f"rows {start} to {min(count, rows.stop) - 1}: {error}") from error
            if number % _REPORT_CHUNKS == 0:
                log.info("projected %d of %d vectors", min(count, rows.stop), count)
        written.flush()
        del written
    return path


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def _tune(
    index_file: Path, vectors: NDArray[np.float32], search_dimensions: int, parameters: BuildParameters
) -> tuple[int, float]:
    rows = np.random.default_rng(parameters.seed).permutation(len(vectors))[: parameters.queries]
    first = parameters.effort or INITIAL_EFFORT[parameters.engine]
    with index_file.open("rb") as file:
        engine = open_engine(
            parameters.engine,
            file,
            vectors[:, :search_dimensions],
            parameters=parameters.engine_parameters,
            effort=first,
        )
    search = IndexSearch(engine, vectors, search_dimensions=search_dimensions)
    try:
        return tune_effort(
            search,
            RecallBenchmark.of(vectors, rows),
            first=first,
            goal=parameters.recall_goal,
            doublings=parameters.doublings,
        )
    finally:
        search.close()
