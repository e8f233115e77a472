"""Recordings that are compared once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from soundalike.db import uploads
from soundalike.db.uploads import Analysis, Rejection
from soundalike.storage import object_keys
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from soundalike.db.database import Pool

VECTOR = np.arange(160, dtype=np.float32)
TAG_PROBABILITIES = [0.5] * 50


async def rows(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM queries"))


async def test_from_the_question_to_the_answer_and_nothing_is_left(pool: Pool) -> None:
    query = uploads.new_id()
    messages: asyncio.Queue[object] = asyncio.Queue()
    async with pool.acquire() as connection:

        def listener(*news: object) -> None:
            messages.put_nowait(news[3])

        await connection.add_listener(uploads.CHANNEL, listener)
        await uploads.create(pool, query)
        assert await uploads.is_pending(pool, query)
        assert await uploads.pop_result(pool, query) is None
        await uploads.complete(pool, query, Analysis("m", VECTOR, TAG_PROBABILITIES))
        assert await asyncio.wait_for(messages.get(), scale(30)) == query
        await connection.remove_listener(uploads.CHANNEL, listener)
    assert not await uploads.is_pending(pool, query)
    sound = await uploads.pop_result(pool, query)
    assert isinstance(sound, Analysis)
    assert (sound.model, sound.tag_probabilities) == ("m", TAG_PROBABILITIES)
    np.testing.assert_array_equal(sound.vector, VECTOR)
    assert await rows(pool) == 0


async def test_a_refusal_says_why(pool: Pool) -> None:
    query = uploads.new_id()
    await uploads.create(pool, query)
    await uploads.reject(pool, query, "silent")
    assert await uploads.pop_result(pool, query) == Rejection("silent")
    assert await rows(pool) == 0


async def test_the_first_result_counts_and_one_that_nobody_waits_for_is_not_stored(pool: Pool) -> None:
    query = uploads.new_id()
    await uploads.create(pool, query)
    await uploads.reject(pool, query, "first")
    await uploads.complete(pool, query, Analysis("m", VECTOR, None))
    assert await uploads.pop_result(pool, query) == Rejection("first")
    await uploads.complete(pool, query, Analysis("m", VECTOR, None))
    await uploads.delete(pool, query)
    assert await rows(pool) == 0


async def test_the_sweep_takes_only_what_is_old(pool: Pool) -> None:
    old, young = uploads.new_id(), uploads.new_id()
    for query in (old, young):
        await uploads.create(pool, query)
    await pool.execute("UPDATE queries SET created_at = now() - interval '3 minutes' WHERE id = $1", old)
    assert await uploads.delete_older_than(pool, seconds=120) == 1
    assert await uploads.is_pending(pool, young)


def test_the_key_of_a_query_names_it_and_no_other_key_does() -> None:
    query = uploads.new_id()
    assert object_keys.upload_of(object_keys.upload_key(query)) == query
    for key in (f"previews/deezer/{query}.audio", f"queries/{query}.mp3", f"queries/x{query}.audio", "queries/.audio"):
        assert object_keys.upload_of(key) is None
