"""After forgetting, no column of any table names the track or the user any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest

from soundalike.db import (
    analyses,
    checkpoints,
    crawls,
    dead_letters,
    embeddings,
    erasure,
    libraries,
    locations,
    models,
    playlists,
    popularity,
    search_names,
    task_queue,
    tracks,
)
from soundalike.db.checkpoints import Checkpoint
from soundalike.db.crawls import CrawlSource
from soundalike.db.dead_letters import DeadLetter
from soundalike.db.embeddings import Embedding
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.models import EmbeddingModel
from soundalike.db.playlists import Playlist
from soundalike.db.popularity import Popularity
from soundalike.db.tracks import Track
from soundalike.db.users import User, delete_unseen, upsert
from soundalike.domain.track_id import TrackId
from soundalike.testing.database_text import columns_with, text_columns

if TYPE_CHECKING:
    from soundalike.db.database import Pool

TRACK, OTHER = TrackId("soundcloud", "777001"), TrackId("soundcloud", "2")
USER, OTHER_USER = "soundcloud:users:777005", "soundcloud:users:6"
LIKES = f"{USER}:likes"
LIST = Playlist("soundcloud:playlists:9", "soundcloud", "Somebody's list", "s1")
WORD = "xyzzyqua"
MODEL = EmbeddingModel("m", 160)

# What says nothing about a track or a person. A new column belongs here, or into what the fixture writes.
OF_NOBODY = {
    "alembic_version.version_num", "allowances.service", "api_keys.digest", "api_keys.holder", "api_keys.id",
    "api_keys.scope",
    "aliases.namespace", "blocks.urn",
    "crawls.folder", "crawls.progress", "crawls.state",
    "embeddings.model", "index_versions.location", "index_versions.manifest_sha256",
    "index_versions.model", "index_versions.parameters", "index_versions.state", "index_versions.version",
    # That a file below one's own folder is not to be read again is known by its path.
    "libraries.root", "locations.ignored", "locations.path", "locations.segment",
    "playlists.file", "playlists.path_prefix",
    "losses.kind", "losses.name", "manifest.kind", "manifest.request", "models.model",
    "playlists.last_error", "playlists.snapshot_id", "playlists.source", "playlists.title",
    "playlist_readings.snapshot_id", "queries.id", "queries.model", "queries.reason", "queries.state",
    "taste_versions.location", "taste_versions.manifest_sha256", "taste_versions.method",
    # Forgetting empties them (test_cut_short, test_library_scan).
    "locations.names", "tracks.fronts",
    "taste_versions.state", "taste_versions.version", "tracks.source", "tracks.state",
}  # fmt: skip


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    """A catalogue in which everything that can name the track, or the user who made it, does so."""
    song = Track(
        TRACK, f"{WORD} shared", (f"{WORD}band",), (USER,), f"{WORD}album", 1000, f"{WORD}code",
        f"https://soundcloud.com/{WORD}/song", (f"{WORD}tag",),
    )  # fmt: skip
    await tracks.upsert(pool, Track(TRACK, f"{WORD}former title"))
    await tracks.upsert(pool, song)
    await tracks.upsert(pool, Track(OTHER, "Shared word"))
    await pool.execute(
        "UPDATE tracks SET preview_provider = 'soundcloud', preview_provider_id = '777001' WHERE urn = $1", OTHER.urn
    )
    await upsert(pool, [User(USER), User(OTHER_USER)])
    await pool.execute('INSERT INTO favorites ("user", track) SELECT u.urn, t.urn FROM users u, tracks t')
    await popularity.upsert(pool, [Popularity(TRACK.urn, WORD, WORD), Popularity(OTHER.urn)])
    for kind, urn in (("track", TRACK.urn), ("user", USER)):
        await pool.execute(
            "INSERT INTO manifest (kind, urn, request, cursor, last_error) VALUES ($1, $2, 'x', $3, $3)",
            kind,
            urn,
            WORD,
        )
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        for track in (TRACK, OTHER):
            vector = np.ones(160, dtype=np.float32)
            key = f"{WORD}/{track.key}"
            await embeddings.save(connection, Embedding(track, MODEL.model, vector, key, WORD, f"{WORD}{track}", 29.0))
        await playlists.replace(connection, LIST, [(0, TRACK), (1, OTHER), (2, TRACK)])
        await playlists.replace(connection, Playlist(LIKES, "soundcloud", "x"), [(0, TRACK), (1, OTHER)])
    entries = [Checkpoint(0, TRACK, WORD, WORD), Checkpoint(1, OTHER)]
    for urn in (LIST.urn, f"{USER}:reposts"):
        await checkpoints.save(pool, urn, "s2", entries)
    await pool.execute(
        """UPDATE tracks SET reason = $2, preview_provider = $2, match_method = $2, preview_provider_id = $2,
        preview_asked = ARRAY[$2], artist_credit = ARRAY[$2] WHERE urn = $1""",
        TRACK.urn,
        WORD,
    )
    await pool.execute("INSERT INTO aliases (namespace, id, urn) VALUES ('acoustid', $2, $1)", TRACK.urn, WORD)
    async with pool.acquire() as connection:
        library = (await libraries.register(connection, b"/music")).library
    stamp = FileStamp(1, 2, 3, 4)
    await locations.save(pool, ScannedLocation(library, WORD.encode(), stamp), TRACK)
    await analyses.begin(pool, TRACK, uuid4())
    await dead_letters.record(pool, DeadLetter(f"{WORD}1", TRACK.urn, f"{WORD} cannot be decoded", attempts=5))
    for urn in (TRACK.urn, LIKES):
        async with pool.acquire() as connection:
            crawl = await crawls.add(connection, CrawlSource(playlist=urn))
            assert crawl is not None
        await pool.execute("UPDATE crawls SET summary = $2, error = $2 WHERE id = $1", crawl.id, f"{WORD} {urn}")
    return pool


async def test_every_column_is_known_to_name_tracks_and_people_or_nobody(filled: Pool) -> None:
    naming = await columns_with(filled, WORD, TRACK.urn, TRACK.key, USER)
    assert await text_columns(filled) - naming == OF_NOBODY
    assert naming & OF_NOBODY == set()


async def test_of_a_forgotten_track_only_its_id_is_left(filled: Pool) -> None:
    await filled.execute("DELETE FROM embeddings WHERE urn = $1", OTHER.urn)
    async with filled.acquire() as connection:
        await erasure.forget_tracks(connection, [TRACK])
    assert await columns_with(filled, TRACK.urn, TRACK.key) == {"tracks.urn", "locations.urn"}
    # Of the two tasks one was the user's.
    # And the crawl of the user's list.
    assert await columns_with(filled, WORD) == {
        "manifest.cursor", "manifest.last_error", "crawls.summary", "crawls.error",
    }  # fmt: skip
    assert [track.urn for track in await playlists.tracks_of(filled, LIST.urn)] == [OTHER.urn]
    assert {row["word"] for row in await filled.fetch("SELECT word FROM search_words")} == {"shared", "word"}
    assert not await erasure.is_known(filled, TRACK.urn)


async def test_a_forgotten_user_is_only_on_the_list_of_blocks(filled: Pool) -> None:
    assert await erasure.is_known(filled, USER)
    async with filled.acquire() as connection:
        assert await erasure.forget_user(connection, USER) == [TRACK.urn]
    assert await columns_with(filled, USER) == {"blocks.urn"}
    assert await columns_with(filled, TRACK.urn) == {"tracks.urn", "locations.urn"}
    assert not await erasure.is_known(filled, USER)
    assert await filled.fetchval("SELECT count(*) FROM favorites") == 1


async def test_who_expires_has_no_favourites_and_no_tasks(filled: Pool) -> None:
    await filled.execute("UPDATE users SET seen_at = now() - interval '40 days' WHERE urn = $1", USER)
    assert await delete_unseen(filled, timedelta(days=30)) == [USER]
    assert await columns_with(filled, USER) == {
        # The tracks that the account uploaded, and what was crawled of it as a list.
        "tracks.artist_urns", "playlists.urn", "playlist_tracks.playlist", "playlist_readings.playlist",
        "crawls.playlist", "crawls.summary", "crawls.error",
    }  # fmt: skip


async def test_what_is_still_under_way_brings_nothing_back(filled: Pool) -> None:
    async with filled.acquire() as connection:
        await erasure.forget_user(connection, USER)
        # What a crawl and a walk had read before.
        await playlists.replace(connection, LIST, [(0, TRACK), (1, OTHER)])
        await playlists.replace(connection, Playlist(LIKES, "soundcloud", WORD), [(0, OTHER)])
    for urn in (LIST.urn, LIKES, f"{USER}:reposts"):
        await checkpoints.save(filled, urn, "s3", [Checkpoint(0, TRACK, WORD), Checkpoint(1, OTHER)])
    await popularity.upsert(filled, [Popularity(TRACK.urn, WORD, WORD)])
    for kind, urn in (("track", TRACK.urn), ("user", USER)):
        await task_queue.enqueue(filled, kind, [urn], "likes")
        await task_queue.enqueue_now(filled, kind, urn, "likes")
    await analyses.begin(filled, TRACK, uuid4())
    await dead_letters.record(filled, DeadLetter("1", TRACK.urn, WORD, attempts=5))
    async with filled.acquire() as connection:
        assert await crawls.add(connection, CrawlSource(playlist=LIKES)) is None
    assert await upsert(filled, [User(USER)]) == []
    assert await columns_with(filled, USER) == {"blocks.urn"}
    assert await columns_with(filled, TRACK.urn) == {"tracks.urn", "locations.urn"}
    assert await playlists.is_blocked(filled, f"{USER}:anything")
    assert not await playlists.is_blocked(filled, f"{USER}5:likes")


async def test_a_word_goes_with_the_last_name_that_has_it(filled: Pool) -> None:
    async def words() -> set[str]:
        return {row["word"] for row in await filled.fetch("SELECT word FROM search_words")}

    await tracks.upsert(filled, Track(OTHER, "Another title"))
    await search_names.refresh(filled)
    assert {"shared", "another", "title"} <= await words()
    assert "word" not in await words()
    await filled.execute("DELETE FROM tracks WHERE urn = $1", TRACK.urn)
    await search_names.refresh(filled)
    assert await words() == {"another", "title"}
