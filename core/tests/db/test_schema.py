from __future__ import annotations

import asyncio

import asyncpg
import pytest

from soundalike.db import schema

TRACK = "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"
_OLD = "INSERT INTO models (model, dimensions, trained) VALUES ('m', 160, true)"


async def test_from_empty_to_the_newest_and_again(empty_database_url: str) -> None:
    assert await schema.revision_of(empty_database_url) is None
    await schema.upgrade(empty_database_url)
    await schema.upgrade(empty_database_url)
    assert await schema.revision_of(empty_database_url) == schema.revisions()[-1]


@pytest.mark.parametrize("start", schema.revisions()[:-1])
async def test_from_each_earlier_version_with_rows_in_it(empty_database_url: str, start: str) -> None:
    await schema.upgrade(empty_database_url, start)
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("INSERT INTO tracks (urn, source, title) VALUES ($1, 'spotify', 'kept')", TRACK)
        await connection.execute(
            "INSERT INTO models (model, dimensions) VALUES ('m', 160)" if start >= "0010" else _OLD
        )
        await connection.execute(
            "INSERT INTO embeddings (urn, model, vector, object_key, audio_sha256, seconds_heard) "
            "VALUES ($1, 'm', $2::text::vector, 'k', 's', 29)",
            TRACK,
            str([0.5] * 160),
        )
        await schema.upgrade(empty_database_url)
        assert await connection.fetchval("SELECT title FROM tracks JOIN embeddings USING (urn)") == "kept"
    finally:
        await connection.close()
    assert await schema.revision_of(empty_database_url) == schema.revisions()[-1]


async def test_found_is_called_pending_from_0013_on(empty_database_url: str) -> None:
    await schema.upgrade(empty_database_url, "0012")
    connection = await asyncpg.connect(empty_database_url)
    states = "SELECT state FROM tracks ORDER BY urn"
    try:
        await connection.execute("INSERT INTO tracks (urn, source, title) VALUES ('1', 'spotify', 'default')")
        await connection.execute("INSERT INTO tracks (urn, source, title, state) VALUES ('2', 'spotify', '', 'queued')")
        assert [row["state"] for row in await connection.fetch(states)] == ["found", "queued"]
        await schema.upgrade(empty_database_url, "0013")
        await connection.execute("INSERT INTO tracks (urn, source, title) VALUES ('3', 'spotify', 'default')")
        assert [row["state"] for row in await connection.fetch(states)] == ["pending", "queued", "pending"]
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE tracks SET state = 'found'")
        await schema.downgrade(empty_database_url, "0012")
        assert [row["state"] for row in await connection.fetch(states)] == ["found", "queued", "found"]
    finally:
        await connection.close()


async def test_every_revision_can_be_taken_back(empty_database_url: str) -> None:
    await schema.upgrade(empty_database_url)
    for revision in [*schema.revisions()[::-1][1:], "base"]:
        await schema.downgrade(empty_database_url, revision)
    assert await schema.revision_of(empty_database_url) is None
    await schema.upgrade(empty_database_url)


async def test_two_services_starting_together_apply_each_revision_once(empty_database_url: str) -> None:
    await asyncio.gather(*(schema.upgrade(empty_database_url) for _ in range(3)))
    assert await schema.revision_of(empty_database_url) == schema.revisions()[-1]


async def test_before_0019_a_track_whose_file_is_gone_was_as_any_other(empty_database_url: str) -> None:
    await schema.upgrade(empty_database_url, "0018")
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("INSERT INTO models (model, dimensions, current) VALUES ('m', 160, true)")
        await connection.execute(
            "INSERT INTO tracks (urn, source, title) VALUES ('1', 'file', ''), ('2', 'file', ''), ('3', 'deezer', '')"
        )
        await connection.execute(
            "INSERT INTO embeddings (urn, model, vector, object_key, audio_sha256, seconds_heard) "
            "VALUES ('1', 'm', $1::text::vector, 'k', 's', 29)",
            str([0.5] * 160),
        )
        await schema.upgrade(empty_database_url, "0019")
        versions = await connection.fetch("SELECT identity_version FROM tracks ORDER BY urn")
        assert [row["identity_version"] for row in versions] == [0, 0, None]
        await connection.execute("UPDATE tracks SET state = 'gone' WHERE source = 'file'")
        await schema.downgrade(empty_database_url, "0018")
        states = await connection.fetch("SELECT state FROM tracks ORDER BY urn")
        assert [row["state"] for row in states] == ["ready", "pending", "pending"]
    finally:
        await connection.close()
