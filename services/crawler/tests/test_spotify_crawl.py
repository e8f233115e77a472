"""Playlists of the sandbox by spotipy itself, into a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import numpy as np
import pytest

from catalog import embeddings, models, playlists, tracks
from catalog.embeddings import Embedding
from catalog.errors import StoreUnavailable
from catalog.keys import preview_key
from catalog.models import Model
from catalog.store import MemoryStore
from catalog.track_id import TrackId
from catalog.tracks import State
from crawler.crawl import UNCHANGED
from crawler.errors import QuotaSpent, SourceRefused, SourceUnavailable
from crawler.sources.spotify import SpotifyTrack
from crawler.sources.spotify_web_api import PAGE_SIZE
from crawler.tally import Fate
from sandbox.catalogue import pieces
from sandbox.faults import Fault
from sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, FOREIGN_PLAYLIST_ID, awkward_playlist, generated
from sandbox.settings import PageShape, SandboxSettings

if TYPE_CHECKING:
    from crawler.tally import Tally

    from .conftest import Bench
else:
    Bench = Any

MODEL = Model("test-model", 160)
FIRST = pieces()[0]
FIRST_ID = TrackId("spotify", FIRST.spotify_id)
NOT_OFFERED = "Spotify offers no preview"
FIRST_PREVIEW = f"/mp3-preview/{FIRST.preview_hash}"


def sums(tally: Tally) -> dict[Fate, int]:
    assert tally.unfinished == 0
    assert tally.found == sum(tally.count(fate) for fate in Fate)
    return {fate: tally.count(fate) for fate in Fate if tally.count(fate)}


async def hear(bench: Bench, track: TrackId) -> None:
    """Do what the extractor does."""
    async with bench.pool.acquire() as connection:
        await models.register(connection, MODEL)
        heard = Embedding(track, MODEL.model, np.ones(160, dtype=np.float32), "previews/x", None, "0" * 64, 29.0)
        await embeddings.save(connection, heard)


async def state_of(bench: Bench, track: TrackId) -> tuple[State, str | None]:
    stored = await tracks.get(bench.pool, track)
    assert stored is not None
    return stored.state, stored.reason


async def test_the_demo_playlist(bench: Bench) -> None:
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: 48}
    assert (await tracks.count_by_state(bench.pool))[State.QUEUED] == 48
    stored = await tracks.get(bench.pool, FIRST_ID)
    assert stored is not None
    assert (stored.preview_provider, stored.match_method) == ("spotify", "preview_url")
    assert (stored.track.title, stored.track.artists, stored.track.isrc) == (FIRST.title, (FIRST.artist,), FIRST.isrc)
    assert (stored.track.album, stored.track.duration_ms) == (FIRST.album, FIRST.duration_ms)
    assert set(bench.store.objects) == {preview_key(TrackId("spotify", piece.spotify_id), "mp3") for piece in pieces()}
    in_order = await playlists.tracks_of(bench.pool, f"spotify:playlist:{DEMO_PLAYLIST_ID}")
    assert [track.key for track in in_order] == [p.spotify_id for p in sorted(pieces(), key=lambda piece: piece.index)]


async def test_every_page_is_asked_for_once_and_by_offset(bench: Bench) -> None:
    count = 2 * PAGE_SIZE + 1
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(generated(count).spotify_id)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: count}
    pages = [r.query for r in bench.server.sandbox.journal.read("/v1/") if r.path.endswith("/items")]
    assert [dict(pair.split("=") for pair in query.split("&"))["offset"] for query in pages] == ["0", "50", "100"]


@pytest.mark.parametrize("shape", list(PageShape))
async def test_the_awkward_playlist(bench: Bench, shape: PageShape) -> None:
    bench.server.sandbox.settings = SandboxSettings(page_shape=shape)
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert sums(crawl.tally) == {Fate.SKIPPED: 5, Fate.NO_PREVIEW: 2, Fate.UPLOADED: 4}
    assert crawl.tally.by_reason[Fate.SKIPPED] == {
        "local file of the playlist's owner": 1,
        "episode": 1,
        "empty entry": 1,
        "taken down from Spotify": 1,
        "duplicate": 1,
    }
    assert crawl.tally.by_reason[Fate.NO_PREVIEW] == {NOT_OFFERED: 2}
    in_order = await playlists.tracks_of(bench.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}")
    plain, relinked, lower, _, _, last = pieces()[::8]
    without, empty = (entry.spotify_id for entry in awkward_playlist().entries[8:10])  # type: ignore[union-attr]
    listed = [piece.spotify_id for piece in (plain, plain, relinked, lower)]
    assert [track.key for track in in_order] == [*listed, without, empty, last.spotify_id]
    for piece in (relinked, lower):
        stored = await tracks.get(bench.pool, TrackId("spotify", piece.spotify_id))
        assert stored is not None
        assert stored.track.isrc == piece.isrc


@pytest.mark.parametrize(
    ("options", "is_asked_again"),
    [
        ({}, False),
        ({"providers": frozenset({"spotify"})}, False),
        ({"missing_for": timedelta(0)}, True),
        ({"retry_missing": True}, True),
        ({"providers": frozenset({"spotify", "another"})}, True),
    ],
)
async def test_who_has_no_preview_is_asked_again_after_a_time_or_where_there_is_somebody_new_to_ask(
    bench: Bench, options: dict[str, Any], is_asked_again: bool
) -> None:
    await bench.crawl().run(bench.playlist(AWKWARD_PLAYLIST_ID))
    empty = TrackId("spotify", awkward_playlist().entries[9].spotify_id)  # type: ignore[union-attr]
    assert await state_of(bench, empty) == (State.NO_PREVIEW, NOT_OFFERED)
    again = bench.crawl(**options)
    await again.run(bench.playlist(AWKWARD_PLAYLIST_ID))
    assert again.tally.count(Fate.NO_PREVIEW) == 2
    assert (again.tally.by_reason[Fate.NO_PREVIEW] == {NOT_OFFERED: 2}) is is_asked_again
    assert await state_of(bench, empty) == (State.NO_PREVIEW, NOT_OFFERED)


async def test_a_second_crawl_fetches_nothing_that_is_on_its_way_or_heard(bench: Bench) -> None:
    await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    await hear(bench, FIRST_ID)
    bench.server.sandbox.journal.clear()
    again = bench.crawl()
    assert await again.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.tally.by_reason[Fate.SKIPPED] == {UNCHANGED: 48}
    other = bench.crawl()
    demo = bench.server.sandbox.library.playlist(DEMO_PLAYLIST_ID)
    bench.server.sandbox.library.add(replace(demo, name="Renamed"))
    assert await other.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert other.tally.by_reason[Fate.SKIPPED] == {"heard already": 1, "on its way already": 47}
    assert bench.server.sandbox.journal.read("/mp3-preview/") == []


async def test_what_another_model_heard_is_brought_again(bench: Bench) -> None:
    await bench.crawl().run(bench.playlist(generated(3).spotify_id))
    generated_id = TrackId("spotify", "generatedtrack00000001")
    await hear(bench, generated_id)
    async with bench.pool.acquire() as connection:
        await models.register(connection, Model("another", 160))
    again = bench.crawl()
    await again.run(bench.playlist(generated(3).spotify_id))
    assert sums(again.tally) == {Fate.SKIPPED: 2, Fate.UPLOADED: 1}
    assert (await state_of(bench, generated_id))[0] is State.QUEUED


async def test_an_unchanged_playlist_costs_one_request(bench: Bench) -> None:
    three = generated(3)
    await bench.crawl().run(bench.playlist(three.spotify_id))
    for number in range(3):
        await hear(bench, TrackId("spotify", f"generatedtrack{number:08d}"))
    bench.server.sandbox.journal.clear()
    again = bench.crawl()
    assert await again.run(bench.playlist(three.spotify_id)) is None
    assert again.tally.by_reason[Fate.SKIPPED] == {UNCHANGED: 3}
    assert len(bench.server.sandbox.journal.read("/v1/")) == 1


async def test_a_changed_playlist_is_read_again(bench: Bench) -> None:
    library = bench.server.sandbox.library
    three = generated(3)
    await bench.crawl().run(bench.playlist(three.spotify_id))
    for number in range(3):
        await hear(bench, TrackId("spotify", f"generatedtrack{number:08d}"))
    library.add(replace(three, entries=(*three.entries[:2], *generated(5).entries[3:])))
    again = bench.crawl()
    assert await again.run(bench.playlist(three.spotify_id)) is None
    assert sums(again.tally) == {Fate.SKIPPED: 2, Fate.UPLOADED: 2}
    in_order = await playlists.tracks_of(bench.pool, f"spotify:playlist:{three.spotify_id}")
    assert [track.key[-1] for track in in_order] == ["0", "1", "3", "4"]


async def test_rejected_tracks_are_tried_again_only_when_asked(bench: Bench) -> None:
    bench.server.sandbox.faults.add(Fault(path=FIRST_PREVIEW, status=200, body="<html>"))
    crawl = bench.crawl()
    await crawl.run(bench.playlist(DEMO_PLAYLIST_ID))
    assert sums(crawl.tally) == {Fate.UPLOADED: 47, Fate.REJECTED: 1}
    state, reason = await state_of(bench, FIRST_ID)
    assert state is State.REJECTED
    assert reason is not None
    assert "no audio" in reason
    again = bench.crawl()
    await again.run(bench.playlist(DEMO_PLAYLIST_ID))
    assert again.tally.by_reason[Fate.SKIPPED] == {UNCHANGED: 48}
    asked = bench.crawl(retry_rejected=True)
    await asked.run(bench.playlist(DEMO_PLAYLIST_ID))
    assert sums(asked.tally) == {Fate.SKIPPED: 47, Fate.UPLOADED: 1}
    assert await state_of(bench, FIRST_ID) == (State.QUEUED, None)


async def test_forgotten_tracks_stay_forgotten(bench: Bench) -> None:
    await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    await bench.pool.execute("UPDATE tracks SET state = 'forgotten', title = '' WHERE urn = $1", FIRST_ID.urn)
    await bench.pool.execute("UPDATE playlists SET snapshot_id = 'another'")
    again = bench.crawl(retry_rejected=True)
    await again.run(bench.playlist(DEMO_PLAYLIST_ID))
    assert again.tally.by_reason[Fate.SKIPPED]["to be forgotten"] == 1
    stored = await tracks.get(bench.pool, FIRST_ID)
    assert stored is not None
    assert (stored.state, stored.track.title) == (State.FORGOTTEN, "")


@pytest.mark.parametrize(
    ("fault", "fate", "state", "reason"),
    [
        (Fault(path=FIRST_PREVIEW, status=404), Fate.NO_PREVIEW, State.NO_PREVIEW, "the preview's server answered 404"),
        (
            Fault(path=FIRST_PREVIEW, status=302, headers={"Location": "https://evil.example/"}),
            Fate.NO_PREVIEW,
            State.NO_PREVIEW,
            "the preview lies on a host that is not allowed",
        ),
        (
            Fault(path=FIRST_PREVIEW, status=503, times=None),
            Fate.FAILED,
            State.FOUND,
            "the preview's server answered 503",
        ),
    ],
)
async def test_one_bad_preview_stops_nobody(bench: Bench, fault: Fault, fate: Fate, state: State, reason: str) -> None:
    bench.server.sandbox.faults.add(fault)
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: 47, fate: 1}
    assert crawl.tally.by_reason[fate] == {reason: 1}
    found, said = await state_of(bench, FIRST_ID)
    assert found is state
    assert said
    bench.server.sandbox.faults.clear()
    again = bench.crawl(retry_missing=True)
    await again.run(bench.playlist(DEMO_PLAYLIST_ID))
    assert sums(again.tally) == {Fate.SKIPPED: 47, Fate.UPLOADED: 1}
    assert await state_of(bench, FIRST_ID) == (State.QUEUED, None)


async def test_a_preview_that_comes_at_the_second_try(bench: Bench) -> None:
    bench.server.sandbox.faults.add(Fault(path=FIRST_PREVIEW, status=503, times=2))
    crawl = bench.crawl()
    await crawl.run(bench.playlist(DEMO_PLAYLIST_ID))
    assert sums(crawl.tally) == {Fate.UPLOADED: 48}
    assert len(bench.naps.taken) == 2


async def test_a_playlist_of_somebody_else(bench: Bench) -> None:
    crawl = bench.crawl()
    stopped = await crawl.run(bench.playlist(FOREIGN_PLAYLIST_ID))
    assert isinstance(stopped, SourceRefused)
    assert sums(crawl.tally) == {}
    assert await playlists.get(bench.pool, f"spotify:playlist:{FOREIGN_PLAYLIST_ID}") is None


async def test_a_spent_quota_keeps_what_was_read_and_goes_on_next_time(bench: Bench) -> None:
    count = 2 * PAGE_SIZE
    key = generated(count).spotify_id
    bench.server.sandbox.faults.add(Fault.quota_exceeded("/v1/playlists/*/items").model_copy(update={"after": 1}))
    crawl = bench.crawl()
    assert isinstance(await crawl.run(bench.playlist(key)), QuotaSpent)
    assert sums(crawl.tally) == {Fate.UPLOADED: PAGE_SIZE}
    assert await playlists.get(bench.pool, f"spotify:playlist:{key}") is None
    bench.server.sandbox.faults.clear()
    again = bench.crawl()
    assert await again.run(bench.playlist(key)) is None
    assert sums(again.tally) == {Fate.SKIPPED: PAGE_SIZE, Fate.UPLOADED: PAGE_SIZE}
    assert len(await playlists.tracks_of(bench.pool, f"spotify:playlist:{key}")) == count


async def test_a_list_that_ends_too_early_is_not_taken_for_whole(bench: Bench) -> None:
    key = generated(60).spotify_id
    body = {"items": [], "total": 60}
    bench.server.sandbox.faults.add(Fault(path="/v1/playlists/*/items", status=200, body=body, after=1, times=None))
    crawl = bench.crawl()
    stopped = await crawl.run(bench.playlist(key))
    assert isinstance(stopped, SourceUnavailable)
    assert "announced 60 entries and gave only 50" in str(stopped)
    assert sums(crawl.tally) == {Fate.UPLOADED: 50}


async def test_a_track_whose_row_was_never_written_does_not_break_the_list(bench: Bench) -> None:
    crawl = bench.crawl(pool=UnsteadyPool(bench.pool, 4), concurrency=1)
    assert await crawl.run(bench.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert crawl.tally.count(Fate.FAILED) == 1
    # A list that is not wholly known is not stored, or its history would tell of removals that never were.
    assert await playlists.get(bench.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}") is None
    again = bench.crawl()
    assert await again.run(bench.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert again.tally.count(Fate.UPLOADED) == 1
    assert len(await playlists.tracks_of(bench.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}")) == 7


async def test_a_single_track(bench: Bench) -> None:
    crawl = bench.crawl()
    assert await crawl.run(SpotifyTrack(FIRST_ID, bench.api, bench.chain)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: 1}
    assert list(bench.store.objects) == [preview_key(FIRST_ID, "mp3")]


class UnsteadyStore(MemoryStore):
    """Refuses so many writes, then takes them."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("busy")
        await super().put(key, data, content_type)


@pytest.mark.parametrize(("refusals", "fates"), [(3, {Fate.UPLOADED: 3}), (4, {Fate.UPLOADED: 2, Fate.FAILED: 1})])
async def test_a_store_that_is_away_for_a_while(bench: Bench, refusals: int, fates: dict[Fate, int]) -> None:
    crawl = bench.crawl(store=UnsteadyStore(refusals), concurrency=1)
    assert await crawl.run(bench.playlist(generated(3).spotify_id)) is None
    assert sums(crawl.tally) == fates
    counts = await tracks.count_by_state(bench.pool)
    assert (counts[State.QUEUED], counts[State.FOUND]) == (fates[Fate.UPLOADED], fates.get(Fate.FAILED, 0))


class UnsteadyPool:
    """A pool whose connections break so often before they hold."""

    def __init__(self, pool: Any, failures: int) -> None:
        self._pool = pool
        self.failures = failures

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        if self.failures and "INSERT INTO tracks" in statement:
            self.failures -= 1
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return await self._pool.fetchval(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


@pytest.mark.parametrize(("failures", "fates"), [(3, {Fate.UPLOADED: 3}), (4, {Fate.UPLOADED: 2, Fate.FAILED: 1})])
async def test_a_database_that_is_away_for_a_while(bench: Bench, failures: int, fates: dict[Fate, int]) -> None:
    crawl = bench.crawl(pool=UnsteadyPool(bench.pool, failures), concurrency=1)
    key = generated(3).spotify_id
    assert await crawl.run(bench.playlist(key)) is None
    assert sums(crawl.tally) == fates
    assert (await playlists.get(bench.pool, f"spotify:playlist:{key}") is None) is (Fate.FAILED in fates)


class GatedStore(MemoryStore):
    """Takes so many objects, then none until it is asked no more."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes
        self.full = asyncio.Event()

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if len(self.objects) >= self.takes:
            self.full.set()
            await asyncio.Event().wait()
        await super().put(key, data, content_type)


async def test_an_interrupted_crawl_goes_on_where_it_stopped(bench: Bench) -> None:
    store = GatedStore(takes=10)
    crawl = bench.crawl(store=store)
    running = asyncio.create_task(crawl.run(bench.playlist(DEMO_PLAYLIST_ID)))
    await store.full.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # What was cut off between its commit and its count is queued all the same.
    done = (await tracks.count_by_state(bench.pool))[State.QUEUED]
    assert crawl.tally.count(Fate.UPLOADED) == crawl.tally.found <= done <= 10
    assert len(store.objects) == 10
    assert 1 <= crawl.tally.unfinished <= crawl.concurrency
    again = bench.crawl()
    assert await again.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert sums(again.tally) == {Fate.SKIPPED: done, Fate.UPLOADED: 48 - done}
    assert set(store.objects) | set(bench.store.objects) == {
        preview_key(TrackId("spotify", piece.spotify_id), "mp3") for piece in pieces()
    }


async def test_no_more_than_asked_for_at_a_time(bench: Bench) -> None:
    store = GatedStore(takes=0)
    crawl = bench.crawl(store=store, concurrency=3)
    running = asyncio.create_task(crawl.run(bench.playlist(DEMO_PLAYLIST_ID)))
    await store.full.wait()
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert crawl.tally.begun == 3


async def test_an_error_that_nobody_thought_of_is_counted_and_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenStore(MemoryStore):
        async def put(self, *_: object) -> None:  # type: ignore[override]
            raise ZeroDivisionError("a bug")

    crawl = bench.crawl(store=BrokenStore())
    assert await crawl.run(bench.playlist(generated(2).spotify_id)) is None
    assert crawl.tally.by_reason[Fate.FAILED] == {"an error in the crawler": 2}
    assert "a bug" in caplog.text
