"""Where tracks lie: libraries, locations, and what is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.db import embeddings, erasure, gone_tracks, libraries, locations, models, search, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.gone_tracks import MissingLocations
from soundalike.db.libraries import Subfolder
from soundalike.db.locations import FileStamp, LibraryCounts, Location, ScannedLocation
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library

MODEL = EmbeddingModel("m", 160)
A, B = TrackId("file", "a" * 64), TrackId("file", "b" * 64)
STAMP = FileStamp(10, 20, 30, 40)


async def register(pool: Pool, root: bytes, *, watched: bool = False) -> Library:
    async with pool.acquire() as connection:
        subfolder = await libraries.register(connection, root, watched=watched)
    assert subfolder.path == b""
    return subfolder.library


async def save(
    pool: Pool, library: Library, path: bytes, track: TrackId | None = A, stamp: FileStamp = STAMP, segment: str = ""
) -> None:
    ignored = None if track else "other files"
    await locations.save(pool, ScannedLocation(library, path, stamp, segment, ignored), track)


async def miss(pool: Pool, library: Library, *paths: bytes) -> tuple[int, int]:
    """Report whole files as missing; returns how many tracks were to be lost, and how many are gone."""
    missing = MissingLocations(library, paths, [""] * len(paths))
    lost = await gone_tracks.count_lost(pool, missing)
    async with pool.acquire() as connection:
        return lost, await gone_tracks.mark(connection, missing)


async def state(pool: Pool, track: TrackId) -> State | None:
    stored = await tracks.get(pool, track)
    return stored.state if stored else None


@pytest.fixture
async def library(pool: Pool) -> Library:
    """A library; of the two files whose tracks are in the catalogue one is analysed."""
    for track in (A, B):
        await tracks.upsert(pool, Track(track, f"Song {track.key[0]}"))
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        embedding = Embedding(A, MODEL.model, np.ones(160, dtype=np.float32), "k", None, "0" * 64, 29.0)
        await embeddings.save(connection, embedding)
    return await register(pool, b"/music")


@pytest.mark.parametrize(
    ("path", "below"),
    [
        (b"/music", b""), (b"/music/a/b", b"a/b"), (b"/music2", None), (b"/mus", None), (b"/", None),
        (b"/music/\xff\n", b"\xff\n"),
    ],
)  # fmt: skip
async def test_which_library_a_folder_lies_in(pool: Pool, library: Library, path: bytes, below: bytes | None) -> None:
    expected = None if below is None else Subfolder(library, below)
    assert await libraries.containing(pool, path) == expected


async def test_a_folder_of_a_library_is_no_library_of_its_own(pool: Pool, library: Library) -> None:
    async with pool.acquire() as connection:
        subfolder = await libraries.register(connection, b"/music/album", watched=True)
    assert (subfolder.library.id, subfolder.path) == (library.id, b"album")
    assert [each.watched for each in await libraries.all_libraries(pool)] == [True]


@pytest.mark.parametrize("root", [b"/music", b"/"])
async def test_a_library_around_others_takes_their_files_over(pool: Pool, root: bytes) -> None:
    for track in (A, B):
        await tracks.ensure(pool, track)
    for folder, track in ((b"/music/\xff", A), (b"/music/b", B)):
        await save(pool, await register(pool, folder), b"1.mp3", track)
    beside = await register(pool, b"/musical", watched=True)
    await libraries.schedule(pool, beside, timedelta(hours=1))
    around = await register(pool, root)
    # The root of the file system lies around everything.
    left = [b"/"] if root == b"/" else [b"/music", b"/musical"]
    assert [each.root for each in await libraries.all_libraries(pool)] == left
    assert (around.watched, around.interval) == ((True, timedelta(hours=1)) if root == b"/" else (False, None))
    paths = [each.path for each in await locations.page(pool, around, limit=9)]
    assert [root.rstrip(b"/") + b"/" + path for path in paths] == [b"/music/b/1.mp3", b"/music/\xff/1.mp3"]


async def test_locations_come_in_the_order_of_their_bytes(pool: Pool, library: Library) -> None:
    paths = [b"B", b"a", b"a b", b"a/z", b"aa", b"\xc3\xa4", b"\xff"]
    for path in reversed(paths):
        await save(pool, library, path)
    await save(pool, library, b"a", B, segment="0-1000")
    first = await locations.page(pool, library, limit=3)
    assert [(each.path, each.segment) for each in first] == [(b"B", ""), (b"a", ""), (b"a", "0-1000")]
    rest = await locations.page(pool, library, after=(b"a", "0-1000"), limit=99)
    assert [each.path for each in rest] == paths[2:]
    assert {(each.stamp, each.state, each.has_embedding) for each in rest} == {(STAMP, State.READY, True)}
    assert {each.path for each in await locations.of_inode(pool, STAMP)} == set(paths)


async def test_numbers_that_postgresql_has_no_type_for(pool: Pool, library: Library) -> None:
    class Status:
        st_size, st_mtime_ns, st_ctime_ns, st_ino = 1, 2**64 - 1, -5, 2**63

    stamp = FileStamp.of(Status())  # type: ignore[arg-type]
    await save(pool, library, b"1", stamp=stamp)
    assert [each.stamp for each in await locations.page(pool, library, limit=9)] == [stamp]


async def test_a_missing_file_takes_its_track_out_and_brings_it_back(pool: Pool, library: Library) -> None:
    await save(pool, library, b"1")
    await save(pool, library, b"2", B)
    await save(pool, library, b"cover.jpg", None)
    assert (await locations.counts(pool))[library.id] == LibraryCounts(files=2, ignored=1)
    before = await embeddings.extent(pool, MODEL.model)
    assert await miss(pool, library, b"1", b"2", b"cover.jpg") == (2, 2)
    assert await state(pool, A) is await state(pool, B) is State.GONE
    assert (await locations.counts(pool))[library.id] == LibraryCounts(gone=2)
    assert (await embeddings.extent(pool, MODEL.model)).count == 0
    assert await search.search(pool, "song", limit=9) == []
    assert await locations.of_tracks(pool, [A.urn]) == {}
    ((location,),) = (await locations.of_tracks(pool, [A.urn], with_gone=True)).values()
    assert (location.root, location.path, location.gone_at is None) == (b"/music", b"1", False)
    await save(pool, library, b"1")
    async with pool.acquire() as connection:
        assert await gone_tracks.restore(connection, [A.urn, B.urn, "file:track:other"]) == 2
    assert (await state(pool, A), await state(pool, B)) == (State.READY, State.PENDING)
    after = await embeddings.extent(pool, MODEL.model)
    assert (after.count, after.last_seq > before.last_seq) == (1, True)
    assert await locations.of_tracks(pool, [A.urn]) == {A.urn: [Location(b"/music", b"1")]}


async def test_a_track_that_lies_elsewhere_too_is_not_lost(pool: Pool, library: Library) -> None:
    await save(pool, library, b"old")
    await save(pool, library, b"new")
    assert await miss(pool, library, b"old") == (0, 0)
    other = await register(pool, b"/other")
    await save(pool, other, b"copy")
    assert await miss(pool, library, b"new") == (0, 0)
    assert await locations.page(pool, library, limit=9) == []
    assert await miss(pool, other, b"copy") == (1, 1)


async def test_a_file_that_was_replaced_loses_its_track_at_the_end_of_a_scan(pool: Pool, library: Library) -> None:
    await save(pool, library, b"1")
    await save(pool, library, b"1", B)
    assert await state(pool, A) is State.READY
    assert await locations.of_tracks(pool, [A.urn]) == {}
    assert [each.urn for each in await locations.page(pool, library, limit=9)] == [B.urn]
    assert await miss(pool, library) == (0, 1)
    assert await state(pool, A) is State.GONE


async def test_a_removed_library_takes_its_tracks_along(pool: Pool, library: Library) -> None:
    other = await register(pool, b"/other")
    await save(pool, library, b"1")
    await save(pool, library, b"2", B)
    await save(pool, other, b"2", B)
    async with pool.acquire() as connection:
        assert await gone_tracks.remove_library(connection, library) == 1
    assert (await state(pool, A), await state(pool, B)) == (State.GONE, State.PENDING)
    assert await libraries.all_libraries(pool) == [other]


async def test_what_is_pruned_is_new_when_it_comes_again(pool: Pool, library: Library) -> None:
    await save(pool, library, b"1")
    await save(pool, library, b"2", B)
    await miss(pool, library, b"1")
    async with pool.acquire() as connection:
        assert await gone_tracks.prune(connection) == 1
        assert await gone_tracks.prune(connection) == 0
    assert await state(pool, A) is None
    assert (await locations.counts(pool))[library.id] == LibraryCounts(files=1)
    assert await tracks.upsert(pool, Track(A, "Again"))


async def test_files_that_lie_in_no_library_are_gone_where_that_is_said(pool: Pool, library: Library) -> None:
    await save(pool, library, b"1")
    other = TrackId("deezer", "7")
    await tracks.ensure(pool, other)
    async with pool.acquire() as connection:
        assert await gone_tracks.mark_unlocated(connection) == 1
        assert await gone_tracks.mark_unlocated(connection) == 0
    states = [await state(pool, track) for track in (A, B, other)]
    assert states == [State.READY, State.GONE, State.PENDING]


async def test_what_is_forgotten_is_neither_gone_nor_back(pool: Pool, library: Library) -> None:
    await save(pool, library, b"1")
    async with pool.acquire() as connection:
        await erasure.forget_tracks(connection, [A])
        assert await miss(pool, library, b"1") == (0, 0)
        assert await gone_tracks.restore(connection, [A.urn]) == 0
        assert await gone_tracks.prune(connection) == 0
    assert await state(pool, A) is State.FORGOTTEN


async def test_when_a_library_is_due(pool: Pool, library: Library) -> None:
    assert await libraries.lease_due(pool, duration=timedelta(minutes=1)) is None
    await libraries.schedule(pool, library, timedelta(hours=2), retry_in=timedelta(hours=-1))
    due = await libraries.lease_due(pool, duration=timedelta(minutes=1))
    assert due is not None
    assert (due.id, due.interval) == (library.id, timedelta(hours=2))
    assert await libraries.lease_due(pool, duration=timedelta(minutes=1)) is None
    await libraries.schedule(pool, library)
    assert (await libraries.seconds_to_next(pool) or 0) > 7000
    assert await libraries.count_subscribed(pool) == 1
    await libraries.schedule(pool, library, timedelta(0))
    assert (await libraries.seconds_to_next(pool), await libraries.count_subscribed(pool)) == (None, 0)
