from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from catalog import embeddings, models
from catalog.embeddings import Embedding
from catalog.models import Model
from indexer.errors import DiskTooFull, NothingToIndex
from indexer.gathering import gather, required_bytes
from space.building import write_index

from .conftest import MODEL, Hear, names_in, track_of, vector_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from catalog.database import Connection, Pool
    from catalog.embeddings import StoredVector


async def test_reads_the_vectors_of_its_model_only(pool: Pool, hear: Hear, tmp_path: Path) -> None:
    await hear(range(5), Model("another", 160, trained=True))
    await hear(range(3, 40))
    async with pool.acquire() as connection:
        gathered = await gather(connection, MODEL, tmp_path, trees=8)
    assert gathered.urns == [track_of(number).urn for number in range(3, 40)]
    assert gathered.up_to_seq == 42
    np.testing.assert_array_equal(gathered.vectors, [vector_of(number) for number in range(3, 40)])


async def test_reads_one_snapshot_while_others_write(
    pool: Pool, hear: Hear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hear(range(10))
    real = embeddings.stream

    async def written_to_meanwhile(connection: Connection, model: str, up_to_seq: int) -> AsyncIterator[StoredVector]:
        track = track_of(0)
        async with pool.acquire() as other:  # heard again: its old row is gone, its new one is beyond the snapshot
            await embeddings.save(other, Embedding(track, model, vector_of(99), "k", None, "0", 29.0))
        await hear(range(10, 12))
        async for stored in real(connection, model, up_to_seq):
            yield stored

    monkeypatch.setattr("indexer.gathering.embeddings.stream", written_to_meanwhile)
    async with pool.acquire() as connection:
        gathered = await gather(connection, MODEL, tmp_path, trees=8)
        assert (await embeddings.tail(connection, MODEL.model, gathered.up_to_seq)).count == 3
    assert gathered.urns == [track_of(number).urn for number in range(10)]
    np.testing.assert_array_equal(gathered.vectors[0], vector_of(0))


async def test_says_that_there_is_nothing(pool: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        with pytest.raises(NothingToIndex, match="m1-fixed has heard no track yet"):
            await gather(connection, MODEL, tmp_path, trees=8)


async def test_refuses_before_the_disk_is_full(
    pool: Pool, hear: Hear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    await hear(range(3))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000))
    async with pool.acquire() as connection:
        with pytest.raises(DiskTooFull, match="TMPDIR"):
            await gather(connection, MODEL, tmp_path, trees=8)
    assert not names_in(tmp_path)


@pytest.mark.parametrize(("count", "trees"), [(1, 1), (1, 50), (100, 50), (5000, 10), (5000, 50)])
def test_the_estimate_of_room_is_enough_but_not_wild(tmp_path: Path, count: int, trees: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(count, 128)).astype(np.float32)
    write_index(tmp_path / "index.ann", vectors, trees=trees, seed=1)
    needed = (tmp_path / "index.ann").stat().st_size + 4 * count * (160 + 128)
    assert needed <= required_bytes(count, 160, trees) <= 3 * needed + 100_000
