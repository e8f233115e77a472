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

from .conftest import MODEL, AddTracks, names_in, track_of, vector_of

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Connection, Pool

PARAMETERS = BuildParameters(trees=8)


def assert_holds(export: VectorExport, numbers: range) -> None:
    vectors = dict(zip(export.urns, export.vectors, strict=True))
    assert vectors.keys() == {track_of(number).urn for number in numbers}
    for number in numbers:
        np.testing.assert_array_equal(vectors[track_of(number).urn], vector_of(number))


async def test_reads_the_vectors_of_its_model_only(pool: Pool, add_tracks: AddTracks, tmp_path: Path) -> None:
    await add_tracks(range(5), EmbeddingModel("another", 160))
    await add_tracks(range(3, 40))
    async with pool.acquire() as connection:
        export = await export_vectors(connection, MODEL, tmp_path, PARAMETERS)
    assert export.up_to_seq == 42
    assert_holds(export, range(3, 40))
    again = open_export(tmp_path, MODEL.model, 42)
    assert again.urns == export.urns
    np.testing.assert_array_equal(again.vectors, export.vectors)


async def test_reads_one_snapshot_while_others_write(
    pool: Pool, add_tracks: AddTracks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_tracks(range(10))
    real = embeddings.copy_vectors

    async def copy_during_writes(connection: Connection, model: str, *rest: Any) -> None:
        track = track_of(0)
        async with pool.acquire() as other:  # embedded again: its old row is gone, its new one is beyond the snapshot
            await embeddings.save(other, Embedding(track, model, vector_of(99), "k", None, "0", 29.0))
            await erasure.forget_tracks(other, [track_of(1)])
        await add_tracks(range(10, 12))
        await real(connection, model, *rest)

    monkeypatch.setattr("soundalike.indexer.export.embeddings.copy_vectors", copy_during_writes)
    async with pool.acquire() as connection:
        export = await export_vectors(connection, MODEL, tmp_path, PARAMETERS)
        assert (await embeddings.tail_size(connection, MODEL.model, export.up_to_seq)).count == 3
    assert_holds(export, range(10))


async def test_forgotten_tracks_are_not_exported(pool: Pool, add_tracks: AddTracks, tmp_path: Path) -> None:
    await add_tracks(range(4))
    await pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", track_of(3).urn)
    async with pool.acquire() as connection:
        assert_holds(await export_vectors(connection, MODEL, tmp_path, PARAMETERS), range(3))


async def test_an_empty_catalogue_is_refused(pool: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        with pytest.raises(NothingToIndex, match="m1-fixed has no embeddings yet"):
            await export_vectors(connection, MODEL, tmp_path, PARAMETERS)


async def test_refuses_before_the_disk_is_full(
    pool: Pool, add_tracks: AddTracks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    await add_tracks(range(3))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000))
    async with pool.acquire() as connection:
        with pytest.raises(DiskTooFull, match="INDEX_WORK_DIR"):
            await export_vectors(connection, MODEL, tmp_path, PARAMETERS)
    assert not names_in(tmp_path)


@pytest.mark.parametrize(("count", "trees"), [(1, 1), (1, 50), (100, 50), (5000, 10), (5000, 50)])
@pytest.mark.parametrize("engine", ["annoy", "usearch"])
def test_the_estimate_of_disk_space_is_enough_but_not_too_much(
    tmp_path: Path, engine: EngineName, count: int, trees: int
) -> None:
    parameters = BuildParameters(engine=engine, trees=trees)
    vectors = np.random.default_rng(0).normal(size=(count, 128)).astype(np.float32)
    write_index(engine, tmp_path / "index", vectors[:, :64], parameters=parameters.engine_parameters, seed=1, jobs=1)
    needed = (tmp_path / "index").stat().st_size + 4 * count * (160 + 128)
    assert needed <= required_bytes(count, 160, parameters) + 20_000
    assert required_bytes(count, 160, parameters) <= 3 * needed + 100_000
