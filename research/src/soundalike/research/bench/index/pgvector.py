"""pgvector's HNSW in a PostgreSQL of its own, asked over as many connections as there are callers."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import numpy as np
from pgvector.asyncpg import register_vector

from soundalike.research.bench.index.engines import CALLERS, GOAL, GRAPH, QUERIES, exact_neighbours, percentiles
from soundalike.research.bench.servers import throwaway_database
from soundalike.similarity.index.recall import RecallBenchmark

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SECONDS: Final = 4.0
_EFFORTS: Final = (40, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 700, 1000)
_NEAREST: Final = "SELECT id FROM items ORDER BY vector <#> $1 LIMIT 11"


async def measure(vectors: NDArray[np.float32], folder: Path) -> dict[str, Any]:
    """Fill a table, build the index, find the effort that meets the goal, and let callers search."""
    async with throwaway_database(folder) as url:
        return await _measured(url, vectors)


async def _measured(url: str, vectors: NDArray[np.float32]) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE EXTENSION vector")
    await register_vector(connection)
    await connection.execute(f"CREATE TABLE items (id integer, vector vector({vectors.shape[1]}))")
    for start in range(0, len(vectors), 20_000):
        rows = vectors[start : start + 20_000]
        await connection.copy_records_to_table("items", records=list(enumerate(rows, start)))
    await connection.execute("SET maintenance_work_mem = '2GB'; SET max_parallel_maintenance_workers = 1")
    began = time.monotonic()
    await connection.execute(
        "CREATE INDEX near ON items USING hnsw (vector vector_ip_ops) "
        f"WITH (m = {GRAPH.connectivity}, ef_construction = {GRAPH.expansion})",
        timeout=7_200,
    )
    built = time.monotonic() - began
    size = await connection.fetchval("SELECT pg_relation_size('near')")
    chosen = np.random.default_rng(5).permutation(len(vectors))[:QUERIES]
    benchmark = RecallBenchmark.of(vectors, chosen)
    effort, recall = 0, 0.0
    for effort in _EFFORTS:
        await connection.execute(f"SET hnsw.ef_search = {effort}")
        rows_by_query = {
            int(row): np.array([each["id"] for each in await connection.fetch(_NEAREST, vectors[row])], np.int64)
            for row in chosen
        }
        recall = benchmark.recall_of_results(
            [exact_neighbours(vectors, vectors[row], rows) for row, rows in rows_by_query.items()]
        )
        if recall >= GOAL:
            break
    await connection.close()
    return {
        "engine": "pgvector",
        "vectors": len(vectors),
        "build_s": round(built, 1),
        "file_mb": round(size / 1e6, 1),
        "effort": effort,
        "recall": round(recall, 4),
        "private_mb": None,
        "latency_ms": {str(callers): await _latencies(url, vectors, callers, effort) for callers in CALLERS},
    }


async def _latencies(url: str, vectors: NDArray[np.float32], callers: int, effort: int) -> dict[str, float]:
    rows = np.random.default_rng(6).permutation(len(vectors))
    taken: list[float] = []
    connections = [await asyncpg.connect(url) for _ in range(callers)]
    for connection in connections:
        await register_vector(connection)
        await connection.execute(f"SET hnsw.ef_search = {effort}")
    until = time.monotonic() + _SECONDS

    async def call(number: int) -> None:
        turn = number
        while (began := time.monotonic()) < until:
            await connections[number].fetch(_NEAREST, vectors[rows[turn % len(rows)]])
            taken.append(time.monotonic() - began)
            turn += callers

    await asyncio.gather(*(call(number) for number in range(callers)))
    for connection in connections:
        await connection.close()
    return percentiles(taken[callers:], _SECONDS)
