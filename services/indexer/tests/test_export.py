from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from soundalike.db import embeddings, erasure, models
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.indexer.errors import DiskTooFull, NothingToIndex
from soundalike.indexer.export import VectorExport, export_vectors, open_export, required_bytes
from soundalike.similarity.index.builder import BuildParameters
from soundalike.similarity.index.engine import EngineName, write_index

from .conftest import MODEL, Hear, names_in, track_of, vector_of

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Connection, Pool

PARAMETERS = BuildParameters(trees=8)


def assert_holds(gathered: VectorExport, numbers: range) -> None:
    found = dict(zip(gathered.urns, gathered.vectors, strict=True))
    assert found.keys() == {track_of(number).urn for number in numbers}
    for number in numbers:
        np.testing.assert_array_equal(found[track_of(number).urn], vector_of(number))


async def test_reads_the_vectors_of_its_model_only(pool: Pool, hear: Hear, tmp_path: Path) -> None:
    await hear(range(5), EmbeddingModel("another", 160))
    await hear(range(3, 40))
    async with pool.acquire() as connection:
        gathered = await export_vectors(connection, MODEL, tmp_path, PARAMETERS)
    assert gathered.up_to_seq == 42
    assert_holds(gathered, range(3, 40))
    again = open_export(tmp_path, MODEL.model, 42)
    assert again.urns == gathered.urns
    np.testing.assert_array_equal(again.vectors, gathered.vectors)


async def test_reads_one_snapshot_while_others_write(
    pool: Pool, hear: Hear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hear(range(10))
    real = embeddings.copy_vectors

    async def written_to_meanwhile(connection: Connection, model: str, *rest: Any) -> None:
        track = track_of(0)
        async with pool.acquire() as other:  # heard again: its old row is gone, its new one is beyond the snapshot
            await embeddings.save(other, Embedding(track, model, vector_of(99), "k", None, "0", 29.0))
            await erasure.forget_tracks(other, [track_of(1)])
        await hear(range(10, 12))
        await real(connection, model, *rest)

    monkeypatch.setattr("soundalike.indexer.export.embeddings.copy_vectors", written_to_meanwhile)
    async with pool.acquire() as connection:
        gathered = await export_vectors(connection, MODEL, tmp_path, PARAMETERS)
        assert (await embeddings.tail_size(connection, MODEL.model, gathered.up_to_seq)).count == 3
    assert_holds(gathered, range(10))


async def test_what_is_forgotten_is_not_gathered(pool: Pool, hear: Hear, tmp_path: Path) -> None:
    await hear(range(4))
    await pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", track_of(3).urn)
    async with pool.acquire() as connection:
        assert_holds(await export_vectors(connection, MODEL, tmp_path, PARAMETERS), range(3))


async def test_says_that_there_is_nothing(pool: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        with pytest.raises(NothingToIndex, match="m1-fixed has heard no track yet"):
            await export_vectors(connection, MODEL, tmp_path, PARAMETERS)


async def test_refuses_before_the_disk_is_full(
    pool: Pool, hear: Hear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    await hear(range(3))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000))
    async with pool.acquire() as connection:
        with pytest.raises(DiskTooFull, match="INDEX_WORK_DIR"):
            await export_vectors(connection, MODEL, tmp_path, PARAMETERS)
    assert not names_in(tmp_path)


@pytest.mark.parametrize(("count", "trees"), [(1, 1), (1, 50), (100, 50), (5000, 10), (5000, 50)])
@pytest.mark.parametrize("engine", ["annoy", "usearch"])
def test_the_estimate_of_room_is_enough_but_not_wild(
    tmp_path: Path, engine: EngineName, count: int, trees: int
) -> None:
    parameters = BuildParameters(engine=engine, trees=trees)
    vectors = np.random.default_rng(0).normal(size=(count, 128)).astype(np.float32)
    write_index(engine, tmp_path / "index", vectors[:, :64], parameters=parameters.engine_parameters, seed=1, jobs=1)
    needed = (tmp_path / "index").stat().st_size + 4 * count * (160 + 128)
    assert needed <= required_bytes(count, 160, parameters) + 20_000
    assert required_bytes(count, 160, parameters) <= 3 * needed + 100_000
