"""Watching crawlers: requested tracks at once, lists when due, each by one of several."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.crawl import Crawl
from soundalike.crawler.errors import SourceLocked, SourceRefused, SourceUnavailable
from soundalike.crawler.leases import SharedLeases
from soundalike.crawler.schedules import schedule
from soundalike.crawler.source_factory import SourceFactory
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.sources.track_lists.track_list_file import TrackListFile
from soundalike.crawler.watcher import Watcher
from soundalike.db import (
    advisory_locks,
    crawls,
    libraries,
    locations,
    playlists,
    task_queue,
    track_requests,
    track_states,
    tracks,
)
from soundalike.db.crawls import CrawlSource, CrawlState
from soundalike.db.database import RetryingPool
from soundalike.db.tracks import State
from soundalike.domain.file_paths import PathPrefix
from soundalike.domain.playlist_id import list_urn
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import QuotaExhausted
from soundalike.retry import RetryPolicy
from soundalike.sandbox.catalogue import pieces, spotify_id
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID, generated_playlist
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx

    from soundalike.db.crawls import StoredCrawl

    from .conftest import CrawlFixture
else:
    CrawlFixture = Any

FIRST = TrackId("spotify", pieces()[0].spotify_id)
DAY = timedelta(days=1)


@pytest.fixture
def settings(crawler: CrawlFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    from soundalike.crawler.settings import CrawlerSettings

    for name, value in {
        "DATABASE_URL": "postgresql://u:a-good-one@db/x",
        "S3_BUCKET": "soundalike",
        "SPOTIFY_API_URL": crawler.server.api_url,
        "SPOTIFY_TOKEN_URL": crawler.server.token_url,
        "SPOTIFY_CLIENT_ID": "sandbox",
        "SPOTIFY_CLIENT_SECRET": "sandbox",
        "PREVIEW_PROVIDERS": "spotify",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("SPOTIFY_TOKEN_FILE", "SPOTIFY_REFRESH_TOKEN", "DEEZER_API_URL", "DEEZER_TERMS_ACCEPTED"):
        monkeypatch.delenv(name, raising=False)
    return CrawlerSettings()


@pytest.fixture
def run_watchers(crawler: CrawlFixture, settings: Any, client: httpx.AsyncClient) -> Callable[..., Any]:
    """Run so many watching crawlers inside a context."""

    @asynccontextmanager
    async def run(crawlers: int = 1) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            running = []
            for _ in range(crawlers):
                leases = await stack.enter_async_context(SharedLeases(crawler.pool))
                sourcing = stack.enter_context(SourceFactory(settings, client, lambda _: crawler.sleep))

                def crawl(leases: SharedLeases = leases) -> Any:
                    return crawler.crawl(leases=leases)

                watch = Watcher(crawler.pool, sourcing, crawl, no_preview_retry=30 * DAY)
                running.append(asyncio.create_task(watch.run()))
            try:
                yield
            finally:
                ended = [repr(task) for task in running if task.done()]
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                # One that ended by itself, cancelled or not, would watch no more.
                assert ended == []

    return run


async def settled(crawler: CrawlFixture, track: TrackId) -> bool:
    """Tell whether the task of a track is done or given up."""
    row = await crawler.pool.fetchrow("SELECT * FROM manifest WHERE urn = $1", track.urn)
    assert row is not None
    return row["claimed_until"] is None and (row["done_at"] is not None or row["last_error"] is not None)


async def test_a_requested_track_is_fetched_at_once(crawler: CrawlFixture, run_watchers: Any) -> None:
    async with run_watchers():
        assert (await track_requests.request_track(crawler.pool, FIRST))[0] is State.PENDING
        await eventually(lambda: settled(crawler, FIRST))
    stored = await tracks.get(crawler.pool, FIRST)
    assert stored is not None
    assert (stored.state, stored.track.title) == (State.QUEUED, pieces()[0].title)
    assert len(crawler.store.objects) == 1
    assert await task_queue.count_due(crawler.pool, [track_requests.TASK]) == (0, None)


async def test_a_lost_connection_is_listened_on_again(
    crawler: CrawlFixture, run_watchers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def starts() -> int:
        return sum(record.message.startswith("watching: ") for record in caplog.records)

    # Other statements do not notice a short restart: they are tried again.
    crawler.pool = RetryingPool(crawler.pool, RetryPolicy())
    with caplog.at_level(logging.INFO):
        async with run_watchers():
            await eventually(lambda: starts() == 1, "the watcher listens")
            await crawler.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await eventually(lambda: starts() == 2, "the watcher listens again")


async def test_several_crawlers_fetch_each_track_once(crawler: CrawlFixture, run_watchers: Any) -> None:
    requests = [TrackId("spotify", f"generatedtrack{number:08d}") for number in range(20)]
    for track in requests:
        await track_requests.request_track(crawler.pool, track)
    async with run_watchers(crawlers=3):
        for track in requests:
            await eventually(lambda track=track: settled(crawler, track))
    paths = [request.path for request in crawler.server.sandbox.journal.read("/mp3-preview/")]
    assert len(paths) == len(set(paths)) == 20
    assert (await track_states.count_by_state(crawler.pool))[State.QUEUED] == 20


@pytest.mark.parametrize(
    ("track", "reason"),
    [
        (TrackId("spotify", "0" * 22), "nothing has this id"),
        (TrackId("deezer", "7"), "DEEZER_TERMS_ACCEPTED"),
        (TrackId("soundcloud", "7"), "cannot be fetched"),
        (TrackId("spotify", spotify_id("no preview")), "Spotify offers no preview"),
    ],
)
async def test_what_cannot_be_fetched_says_why(
    crawler: CrawlFixture, run_watchers: Any, track: TrackId, reason: str
) -> None:
    async def is_done() -> bool:
        due, _ = await task_queue.count_due(crawler.pool, [track_requests.TASK])
        return due == 0

    await track_requests.request_track(crawler.pool, track)
    async with run_watchers():
        await eventually(lambda: settled(crawler, track))
        # After the state the task is written.
        await eventually(is_done)
    stored = await tracks.get(crawler.pool, track)
    assert stored is not None
    assert stored.state is State.NO_PREVIEW
    assert reason in (stored.reason or "")


async def test_a_failure_that_may_pass_stays_on_the_list(crawler: CrawlFixture, run_watchers: Any) -> None:
    crawler.server.sandbox.faults.add(Fault(path="/mp3-preview/*", status=503, times=None))
    await track_requests.request_track(crawler.pool, FIRST)
    async with run_watchers():
        await eventually(lambda: settled(crawler, FIRST))
    stored = await tracks.get(crawler.pool, FIRST)
    assert stored is not None
    assert stored.state is State.PENDING
    assert "; next attempt at " in (stored.reason or "")
    _, again = await task_queue.count_due(crawler.pool, [track_requests.TASK])
    assert again is not None


async def test_a_spent_quota_postpones_for_as_long_as_the_service_says(
    crawler: CrawlFixture, run_watchers: Any
) -> None:
    crawler.server.sandbox.faults.add(Fault.quota_exceeded("/v1/*", retry_after=7200))
    await track_requests.request_track(crawler.pool, FIRST)
    async with run_watchers():
        await eventually(lambda: settled(crawler, FIRST))
    seconds = await crawler.pool.fetchval("SELECT extract(epoch FROM due_at - now())::float8 FROM manifest")
    assert 7000 < seconds <= 7200


async def test_a_stopped_crawler_releases_its_task(crawler: CrawlFixture, run_watchers: Any) -> None:
    crawler.server.sandbox.faults.add(Fault(path="/mp3-preview/*", delay_seconds=600))
    await track_requests.request_track(crawler.pool, FIRST)
    async with run_watchers():

        async def begun() -> bool:
            return bool(crawler.server.sandbox.journal.read("/v1/tracks"))

        await eventually(begun)
    crawler.server.sandbox.faults.clear()
    assert [task.urn for task in await task_queue.lease(crawler.pool, [track_requests.TASK])] == [FIRST.urn]


async def test_an_error_in_the_code_costs_one_job(
    crawler: CrawlFixture, run_watchers: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    urn = f"spotify:playlist:{DEMO_PLAYLIST_ID}"
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    await playlists.schedule(crawler.pool, urn, DAY, retry_in=timedelta(0))
    track, other = (TrackId("spotify", f"generatedtrack{number:08d}") for number in range(2))
    await track_requests.request_track(crawler.pool, track)
    crawl, failures = crawler.crawl, iter((ZeroDivisionError("one"), ZeroDivisionError("two")))

    def crawl_after_failures(**options: Any) -> Any:
        if (error := next(failures, None)) is not None:
            raise error
        return crawl(**options)

    monkeypatch.setattr(crawler, "crawl", crawl_after_failures)
    async with run_watchers():
        await eventually(lambda: settled(crawler, track), "the track is put off")
        await eventually(lambda: "two" in caplog.text, "the list fails")
        await track_requests.request_track(crawler.pool, other)
        await eventually(lambda: settled(crawler, other), "the watcher goes on")
    errors = {record.message for record in caplog.records if record.levelno == logging.ERROR}
    assert errors == {f"{name} failed with an unexpected error" for name in (track.urn, urn)}
    row = await crawler.pool.fetchrow(
        "SELECT last_error, due_at > now() AS later FROM manifest WHERE urn = $1", track.urn
    )
    assert row is not None
    assert (row["last_error"], row["later"]) == ("an error in the crawler", True)


@pytest.mark.parametrize("steps", range(5))
async def test_a_watcher_that_is_woken_and_cancelled_at_once_ends(
    crawler: CrawlFixture, settings: Any, client: httpx.AsyncClient, steps: int
) -> None:
    class ExposedWatcher(Watcher):
        wakeup: asyncio.Event
        is_idle = False

        async def _work(self, wakeup: asyncio.Event, connection: Any) -> None:
            self.wakeup = wakeup
            await super()._work(wakeup, connection)

        async def _wait_s(self) -> float:
            self.is_idle = True
            return 3600.0

    with SourceFactory(settings, client, lambda _: crawler.sleep) as sources:
        watcher = ExposedWatcher(crawler.pool, sources, crawler.crawl, no_preview_retry=DAY)
        running = asyncio.create_task(watcher.run())
        await eventually(lambda: watcher.is_idle)
        watcher.wakeup.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        await eventually(running.done, "the end of the watcher", limit_s=20)
    assert running.cancelled()


async def test_lists_are_crawled_again_when_they_are_due(crawler: CrawlFixture, run_watchers: Any) -> None:
    urn = f"spotify:playlist:{DEMO_PLAYLIST_ID}"
    await crawler.crawl().run(crawler.playlist(generated_playlist(3).spotify_id))
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    await playlists.schedule(crawler.pool, urn, DAY, retry_in=timedelta(0))
    crawler.server.sandbox.journal.clear()

    async def crawled() -> bool:
        seconds = await playlists.seconds_to_next(crawler.pool, ["spotify"])
        return seconds is not None and seconds > timedelta(hours=23).total_seconds()

    async with run_watchers(crawlers=2):
        await eventually(crawled)
    assert [r.path for r in crawler.server.sandbox.journal.read("/v1/")] == [f"/v1/playlists/{DEMO_PLAYLIST_ID}"]


@pytest.mark.parametrize(
    ("stopped", "failed", "seconds"),
    [
        (None, 0, 86_400),
        (None, 3, 3_600),
        (SourceUnavailable("away"), 0, 3_600),
        (SourceRefused("gone"), 0, 86_400),
        (SourceLocked("busy"), 0, 600),
        (QuotaExhausted("spent", wait_s=50_000), 0, 50_000),
    ],
)
async def test_when_a_list_is_looked_at_again(crawler: CrawlFixture, stopped: Any, failed: int, seconds: int) -> None:
    await crawler.crawl().run(crawler.playlist(generated_playlist(1).spotify_id))
    await schedule(
        crawler.pool, f"spotify:playlist:{generated_playlist(1).spotify_id}", stopped, failed=failed, interval=DAY
    )
    left = await playlists.seconds_to_next(crawler.pool, ["spotify"])
    assert left is not None
    assert seconds - 60 < left <= seconds


async def test_the_list_in_a_file_is_crawled_again_when_it_is_due(
    crawler: CrawlFixture, run_watchers: Any, tmp_path: Path
) -> None:
    path = tmp_path / "mine \udce9.m3u8"
    await asyncio.to_thread(path.write_text, f"#PLAYLIST:Mine\nspotify:track:{FIRST.key}\n")
    source, urn = ListFile.from_path(path), list_urn(path.name)
    assert await crawler.crawl().run(TrackListFile(source, None, crawler.chain)) is None
    prefix = PathPrefix("D:\\Musik", "/m")
    await playlists.set_file(crawler.pool, urn, os.fsencode(path), prefix)
    assert await playlists.file_of(crawler.pool, urn) == (os.fsencode(path), prefix)
    await asyncio.to_thread(path.write_text, "#PLAYLIST:Ours\n")
    await schedule(crawler.pool, urn, None, failed=0, interval=DAY)
    await crawler.pool.execute("UPDATE playlists SET next_crawl_at = now() WHERE urn = $1", urn)

    async def says(text: str) -> bool:
        return text in (
            await crawler.pool.fetchval("SELECT last_error || title FROM playlists WHERE urn = $1", urn) or ""
        )

    async with run_watchers():
        await eventually(lambda: says("names no track"))
        await asyncio.to_thread(path.write_text, f"#PLAYLIST:Theirs\nspotify:track:{FIRST.key}\n")
        await crawler.pool.execute("UPDATE playlists SET next_crawl_at = now() WHERE urn = $1", urn)

        async def is_read_again() -> bool:
            stored = await playlists.get(crawler.pool, urn)
            return stored is not None and stored.title == "Theirs"

        await eventually(is_read_again)


async def test_a_folder_that_is_due_is_scanned_and_then_due_at_its_interval(
    crawler: CrawlFixture, run_watchers: Any, tmp_path: Path
) -> None:
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    async with crawler.pool.acquire() as connection:
        library = (await libraries.register(connection, os.fsencode(tmp_path))).library
    # As after a crawl with --every that did not come to its end.
    await libraries.schedule(crawler.pool, library, DAY, retry_in=timedelta(0))

    async def scanned() -> bool:
        (stored,) = await libraries.all_libraries(crawler.pool)
        seconds = await libraries.seconds_to_next(crawler.pool)
        return stored.scanned_at is not None and seconds is not None and seconds > 80_000

    async with run_watchers():
        await eventually(scanned)
    assert [each.path for each in await locations.page(crawler.pool, library, limit=9)] == [b"cover.jpg"]


@pytest.fixture
def music(tmp_path: Path, audio: Callable[..., bytes]) -> Path:
    """A folder with two recordings."""
    for hertz in (440, 660):
        (tmp_path / f"{hertz}.flac").write_bytes(audio(31, hertz=hertz))
    return tmp_path


async def start(crawler: CrawlFixture, **source: Any) -> int:
    async with crawler.pool.acquire() as connection:
        crawl = await crawls.add(connection, CrawlSource(**source))
    assert crawl is not None
    return crawl.id


async def crawl_row(crawler: CrawlFixture, crawl_id: int) -> StoredCrawl:
    row = await crawls.get(crawler.pool, crawl_id)
    assert row is not None
    return row


async def state_is(crawler: CrawlFixture, crawl_id: int, state: CrawlState) -> bool:
    return (await crawl_row(crawler, crawl_id)).state is state


async def test_crawls_that_are_started_from_afar_run_one_after_the_other(
    crawler: CrawlFixture, run_watchers: Any, music: Path
) -> None:
    playlist = await start(crawler, playlist=f"spotify:playlist:{DEMO_PLAYLIST_ID}")
    folder = await start(crawler, folder=os.fsencode(music))
    async with run_watchers(crawlers=2):
        await eventually(lambda: state_is(crawler, folder, CrawlState.DONE))
        assert await advisory_locks.is_shared(crawler.pool, advisory_locks.WATCHER)
    first, second = await crawl_row(crawler, playlist), await crawl_row(crawler, folder)
    assert (first.state, first.progress["seen"], first.progress["total"]) == (CrawlState.DONE, 48, 48)
    assert first.progress["uploaded"] + first.progress.get("skipped", 0) == 48
    assert "uploaded" in str(first.summary)
    assert first.ended_at is not None
    assert second.started_at is not None
    assert first.ended_at <= second.started_at
    assert second.progress == {"seen": 2, "total": 2, "uploaded": 2}
    (library,) = await libraries.all_libraries(crawler.pool)
    again = await start(crawler, library=library.id)
    async with run_watchers():
        await eventually(lambda: state_is(crawler, again, CrawlState.DONE))
    assert (await crawl_row(crawler, again)).progress == {"seen": 2, "total": 2, "skipped": 2}
    assert not await advisory_locks.is_shared(crawler.pool, advisory_locks.WATCHER)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ({"folder": b"/nowhere/\xff"}, "there is no file or folder"),
        ({"folder": os.fsencode(__file__)}, "is a file: name the folder"),
        ({"library": 99}, "removed"),
        ({"playlist": "deezer:playlist:1"}, "DEEZER_TERMS_ACCEPTED"),
        ({"playlist": f"spotify:playlist:{'0' * 22}"}, ""),
    ],
)
async def test_a_crawl_that_cannot_be_done_says_why_and_the_next_one_runs(
    crawler: CrawlFixture, run_watchers: Any, source: dict[str, Any], error: str
) -> None:
    failing = await start(crawler, **source)
    following = await start(crawler, playlist=FIRST.urn)
    async with run_watchers():
        await eventually(lambda: state_is(crawler, following, CrawlState.DONE))
    row = await crawl_row(crawler, failing)
    assert row.state is CrawlState.FAILED
    assert error in str(row.error)
    assert row.error


async def test_a_running_crawl_is_stopped_and_one_of_a_stopped_watcher_goes_on(
    crawler: CrawlFixture, run_watchers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()
    is_slow = True
    run = Crawl.run

    async def slow(self: Crawl, source: Any) -> Any:
        began.set()
        if is_slow:
            await asyncio.Event().wait()
        return await run(self, source)

    monkeypatch.setattr(Crawl, "run", slow)
    stopped, resumed = (
        await start(crawler, playlist=FIRST.urn),
        await start(crawler, playlist="spotify:track:" + "0" * 22),
    )
    async with run_watchers():
        await eventually(began.is_set)
        await crawls.stop(crawler.pool, stopped)
        await eventually(lambda: state_is(crawler, stopped, CrawlState.STOPPED))
        await eventually(lambda: state_is(crawler, resumed, CrawlState.RUNNING))
    # The watcher has ended, and another one comes.
    assert await state_is(crawler, resumed, CrawlState.RUNNING)
    is_slow = False
    async with run_watchers():
        await eventually(lambda: state_is(crawler, resumed, CrawlState.FAILED))


async def test_an_error_in_the_code_ends_a_crawl(
    crawler: CrawlFixture, run_watchers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Crawl, "run", fail)
    crawl = await start(crawler, playlist=FIRST.urn)
    async with run_watchers():
        await eventually(lambda: state_is(crawler, crawl, CrawlState.FAILED))
    assert "an error in the crawler" in str((await crawl_row(crawler, crawl)).error)
