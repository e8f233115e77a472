"""One engine on one set of vectors: build, size, memory, recall, and what a search takes with 1, 8 and 32 callers.

    python -m soundalike.research.bench.index.engines NAME FOLDER --out FILE

runs in a process of its own, so that memory is its own. FOLDER holds `vectors.npy` (float32 [n, d], unit length).
Every engine gets the smallest effort of its ladder that finds 98 % of the true ten neighbours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from soundalike.similarity.index.builder import BuildParameters
from soundalike.similarity.index.engine import open_engine, write_index
from soundalike.similarity.index.recall import RecallBenchmark
from soundalike.similarity.index.search import IndexSearch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GOAL: Final = 0.98
CALLERS: Final = (1, 8, 32)
QUERIES: Final = 400
GRAPH: Final = BuildParameters(engine="usearch")
"""The graphs of all engines that have one are as dense as ours."""

_SECONDS: Final = 4.0
_WARM: Final = 50
_K: Final = 11


class Baseline(Protocol):
    """What is measured; `efforts` is its ladder, lowest first, None for one without."""

    efforts: tuple[int, ...]

    def build(self, vectors: NDArray[np.float32], path: Path) -> None:
        """Build of vectors [n, d], and make ready to search."""

    def set_effort(self, effort: int) -> None:
        """Let every search cost this much."""

    def search(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows and cosines of the nearest."""


class Exact:
    """All cosines, by NumPy."""

    efforts: tuple[int, ...] = (0,)

    def build(self, vectors: NDArray[np.float32], path: Path) -> None:  # noqa: ARG002 - there is nothing to write
        """Read the vectors into memory."""
        self._vectors = np.array(vectors)

    def set_effort(self, effort: int) -> None:
        """Do nothing."""

    def search(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Compare with everything."""
        cosines = self._vectors @ query
        rows = np.argpartition(-cosines, k)[:k]
        order = np.argsort(-cosines[rows])
        return rows[order], cosines[rows[order]]


class Ours:
    """An engine as the API uses it: on the leading dimensions, decided by exact cosines, all files mapped."""

    def __init__(self, parameters: BuildParameters, efforts: tuple[int, ...]) -> None:
        self._parameters = parameters
        self.efforts = efforts

    def build(self, vectors: NDArray[np.float32], path: Path) -> None:
        """Build on disk and map."""
        searched = min(self._parameters.search_dimensions, vectors.shape[1])
        write_index(
            self._parameters.engine,
            path,
            vectors[:, :searched],
            parameters=self._parameters.engine_parameters,
            seed=1,
            jobs=self._parameters.jobs,
        )
        with path.open("rb") as file:
            engine = open_engine(
                self._parameters.engine,
                file,
                vectors[:, :searched],
                parameters=self._parameters.engine_parameters,
                effort=self.efforts[0],
            )
        self._search = IndexSearch(engine, vectors, search_dimensions=searched)

    def set_effort(self, effort: int) -> None:
        """Pass it on."""
        self._search.set_effort(effort)

    def search(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Search as the API does."""
        return self._search.nearest(query, k)


class Hnswlib:
    """hnswlib, all dimensions, float32, in memory."""

    efforts: tuple[int, ...] = (40, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 700, 1000)

    def build(self, vectors: NDArray[np.float32], path: Path) -> None:
        """Build, save, forget, and load what was saved."""
        import hnswlib

        index = hnswlib.Index("ip", vectors.shape[1])
        index.init_index(len(vectors), M=GRAPH.connectivity, ef_construction=GRAPH.expansion, random_seed=1)
        index.add_items(np.asarray(vectors), num_threads=_JOBS)
        index.save_index(str(path))
        self._index = hnswlib.Index("ip", vectors.shape[1])
        self._index.load_index(str(path))
        self._index.set_num_threads(1)

    def set_effort(self, effort: int) -> None:
        """Set `ef`."""
        self._index.set_ef(effort)

    def search(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Search."""
        rows, distances = self._index.knn_query(query, k=k)
        return rows[0].astype(np.int64), 1.0 - distances[0]


class Voyager:
    """Voyager, all dimensions, 8-bit numbers, in memory."""

    efforts: tuple[int, ...] = Hnswlib.efforts

    def build(self, vectors: NDArray[np.float32], path: Path) -> None:
        """Build, save, and load what was saved."""
        from voyager import Index, Space, StorageDataType

        index = Index(
            Space.Cosine,
            vectors.shape[1],
            M=GRAPH.connectivity,
            ef_construction=GRAPH.expansion,
            storage_data_type=StorageDataType.Float8,
        )
        index.add_items(np.array(vectors), num_threads=_JOBS)
        index.save(str(path))
        self._index = Index.load(str(path))
        self._effort = self.efforts[0]
        self._vectors = vectors

    def set_effort(self, effort: int) -> None:
        """Set `query_ef`."""
        self._effort = effort

    def search(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Search; its numbers of 8 bits make its distances coarse, so sixty are compared exactly."""
        rows, _ = self._index.query(query, k=max(60, k), query_ef=max(60, self._effort))
        rows = rows.astype(np.int64)
        cosines = self._vectors[rows] @ query
        best = np.argsort(-cosines)[:k]
        return rows[best], cosines[best]


class Usearch:
    """USearch, all dimensions, 16-bit numbers, mapped; without our exact cosines."""

    efforts: tuple[int, ...] = Hnswlib.efforts

    def build(self, vectors: NDArray[np.float32], path: Path) -> None:
        """Build, save, and map what was saved."""
        from usearch.index import Index

        index = Index(
            ndim=vectors.shape[1],
            metric="cos",
            dtype="f16",
            connectivity=GRAPH.connectivity,
            expansion_add=GRAPH.expansion,
        )
        index.add(np.arange(len(vectors)), np.asarray(vectors), threads=_JOBS)
        index.save(str(path))
        mapped = Index.restore(str(path), view=True)
        if mapped is None:
            raise RuntimeError("USearch does not read what it wrote")
        self._index = mapped

    def set_effort(self, effort: int) -> None:
        """Set `expansion_search`."""
        self._index.expansion_search = effort  # type: ignore[misc]

    def search(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Search."""
        result = self._index.search(query, k)
        return np.asarray(result.keys, np.int64), 1.0 - np.asarray(result.distances, np.float32)


_JOBS: Final = int(os.environ.get("BENCH_JOBS", "2"))
_ANNOY_LADDER: Final = tuple(round(1000 * 2 ** (step / 2)) for step in range(16))
ENGINES: Final[dict[str, Callable[[], Baseline]]] = {
    "exact NumPy": Exact,
    "annoy, ours": lambda: Ours(BuildParameters(jobs=_JOBS), _ANNOY_LADDER),
    "usearch, ours": lambda: Ours(BuildParameters(engine="usearch", jobs=_JOBS), Hnswlib.efforts),
    "usearch": Usearch,
    "hnswlib": Hnswlib,
    "voyager": Voyager,
}


def measure(name: str, vectors: NDArray[np.float32], path: Path) -> dict[str, Any]:
    """Build and measure one engine."""
    before = private_mb()
    engine = ENGINES[name]()
    began = time.monotonic()
    engine.build(vectors, path)
    built = time.monotonic() - began
    effort, recall = meet_goal(engine, vectors)
    return {
        "engine": name,
        "vectors": len(vectors),
        "build_s": round(built, 1),
        "file_mb": round(path.stat().st_size / 1e6, 1) if path.exists() else None,
        "effort": effort,
        "recall": round(recall, 4),
        "private_mb": round(private_mb() - before, 1),
        "latency_ms": {str(callers): latencies(engine, vectors, callers) for callers in CALLERS},
    }


def meet_goal(engine: Baseline, vectors: NDArray[np.float32]) -> tuple[int, float]:
    """Climb the ladder until the goal is met; returns the rung and its recall."""
    rows = np.random.default_rng(5).permutation(len(vectors))[:QUERIES]
    benchmark = RecallBenchmark.of(vectors, rows)
    effort, recall = 0, 0.0
    for effort in engine.efforts:
        engine.set_effort(effort)
        # Rows are ranked by exact cosines: numbers of 16 bits would make the true tenth look too far away.
        recall = benchmark.recall_of(lambda query, k: exact_neighbours(vectors, query, engine.search(query, k)[0]))
        if recall >= GOAL:
            break
    return effort, recall


def exact_neighbours(
    vectors: NDArray[np.float32], query: NDArray[np.float32], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows of a result with their exact cosines."""
    return rows, vectors[rows] @ query


def latencies(engine: Baseline, vectors: NDArray[np.float32], callers: int) -> dict[str, float]:
    """Let `callers` threads search for some seconds; returns percentiles in ms and searches a second."""
    rows = np.random.default_rng(6).permutation(len(vectors))
    taken: list[list[float]] = [[] for _ in range(callers)]
    until = time.monotonic() + _SECONDS

    def call(number: int) -> None:
        for turn in range(number, 10**9, callers):
            query = np.array(vectors[rows[turn % len(rows)]])
            began = time.monotonic()
            if began > until:
                return
            engine.search(query, _K)
            taken[number].append(time.monotonic() - began)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return percentiles([each for one in taken for each in one][min(_WARM, callers) :], _SECONDS)


def percentiles(seconds: list[float], span_s: float) -> dict[str, float]:
    """Summarise latencies in seconds as milliseconds, and how many there were a second."""
    p50, p95, p99, most = (float(1e3 * value) for value in np.quantile(seconds, [0.5, 0.95, 0.99, 1.0]))
    return {
        "p50": round(p50, 2),
        "p95": round(p95, 2),
        "p99": round(p99, 2),
        "max": round(most, 1),
        "per_s": round(len(seconds) / span_s, 1),
    }


def private_mb(pid: int | str = "self") -> float:
    """Return the memory in MB that belongs to one process alone; mapped files are not in it (Linux)."""
    fields = memory_mb(pid)
    return fields["Private_Dirty"] + fields["Swap"]


def memory_mb(pid: int | str = "self") -> dict[str, float]:
    """Return what the system counts of a process's memory, in MB (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}


def main() -> None:
    """Measure one engine and write what came out."""
    arguments = argparse.ArgumentParser(description="Measures one engine.")
    arguments.add_argument("name", choices=[*ENGINES, "pgvector"])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    vectors = np.load(options.folder / "vectors.npy", mmap_mode="r")
    if options.name == "pgvector":
        from soundalike.research.bench.index import pgvector

        result = asyncio.run(pgvector.measure(vectors, options.folder))
    else:
        path = options.folder / f"{options.name.replace(' ', '-').replace(',', '')}.index"
        result = measure(options.name, vectors, path)
        path.unlink(missing_ok=True)
    options.out.write_text(json.dumps(result, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
