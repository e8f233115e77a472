"""What a second crawl of a playlist asks for, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.crawl import UNCHANGED
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import models, playlists, tracks
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, awkward_playlist, generated_playlist

from .conftest import FIRST_ID, FIRST_PREVIEW, NOT_OFFERED, counts_by_status, embed, state_of

if TYPE_CHECKING:
    from .conftest import CrawlFixture
else:
    CrawlFixture = Any


@pytest.mark.parametrize(
    ("options", "is_retried"),
    [
        ({}, False),
        ({"providers": frozenset({"spotify"})}, False),
        ({"no_preview_retry": timedelta(0)}, True),
        ({"retry_missing": True}, True),
        ({"providers": frozenset({"spotify", "another"})}, True),
    ],
)
async def test_who_has_no_preview_is_asked_again_after_a_time_or_where_there_is_somebody_new_to_ask(
    crawler: CrawlFixture, options: dict[str, Any], is_retried: bool
) -> None:
    await crawler.crawl().run(crawler.playlist(AWKWARD_PLAYLIST_ID))
    empty = TrackId("spotify", awkward_playlist().entries[9].spotify_id)  # type: ignore[union-attr]
    assert await state_of(crawler, empty) == (State.NO_PREVIEW, NOT_OFFERED)
    again = crawler.crawl(**options)
    await again.run(crawler.playlist(AWKWARD_PLAYLIST_ID))
    assert again.stats.count(OutcomeStatus.NO_PREVIEW) == 2
    assert (again.stats.by_reason[OutcomeStatus.NO_PREVIEW] == {NOT_OFFERED: 2}) is is_retried
    assert await state_of(crawler, empty) == (State.NO_PREVIEW, NOT_OFFERED)


async def test_a_second_crawl_fetches_nothing_that_is_on_its_way_or_heard(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    await embed(crawler, FIRST_ID)
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    assert await again.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {UNCHANGED: 48}
    other = crawler.crawl()
    demo = crawler.server.sandbox.library.playlist(DEMO_PLAYLIST_ID)
    crawler.server.sandbox.library.add(replace(demo, name="Renamed"))
    assert await other.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert other.stats.by_reason[OutcomeStatus.SKIPPED] == {"already analysed": 1, "already queued": 47}
    assert crawler.server.sandbox.journal.read("/mp3-preview/") == []


async def test_what_another_model_heard_is_brought_again(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(generated_playlist(3).spotify_id))
    generated_id = TrackId("spotify", "generatedtrack00000001")
    await embed(crawler, generated_id)
    async with crawler.pool.acquire() as connection:
        await models.register(connection, EmbeddingModel("another", 160))
    again = crawler.crawl()
    await again.run(crawler.playlist(generated_playlist(3).spotify_id))
    assert counts_by_status(again.stats) == {OutcomeStatus.SKIPPED: 2, OutcomeStatus.UPLOADED: 1}
    assert (await state_of(crawler, generated_id))[0] is State.QUEUED


async def test_an_unchanged_playlist_costs_one_request(crawler: CrawlFixture) -> None:
    three = generated_playlist(3)
    await crawler.crawl().run(crawler.playlist(three.spotify_id))
    for number in range(3):
        await embed(crawler, TrackId("spotify", f"generatedtrack{number:08d}"))
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    assert await again.run(crawler.playlist(three.spotify_id)) is None
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {UNCHANGED: 3}
    assert len(crawler.server.sandbox.journal.read("/v1/")) == 1


async def test_a_changed_playlist_is_read_again(crawler: CrawlFixture) -> None:
    library = crawler.server.sandbox.library
    three = generated_playlist(3)
    await crawler.crawl().run(crawler.playlist(three.spotify_id))
    for number in range(3):
        await embed(crawler, TrackId("spotify", f"generatedtrack{number:08d}"))
    library.add(replace(three, entries=(*three.entries[:2], *generated_playlist(5).entries[3:])))
    again = crawler.crawl()
    assert await again.run(crawler.playlist(three.spotify_id)) is None
    assert counts_by_status(again.stats) == {OutcomeStatus.SKIPPED: 2, OutcomeStatus.UPLOADED: 2}
    in_order = await playlists.tracks_of(crawler.pool, f"spotify:playlist:{three.spotify_id}")
    assert [track.key[-1] for track in in_order] == ["0", "1", "3", "4"]


async def test_rejected_tracks_are_tried_again_only_when_asked(crawler: CrawlFixture) -> None:
    crawler.server.sandbox.faults.add(Fault(path=FIRST_PREVIEW, status=200, body="<html>"))
    crawl = crawler.crawl()
    await crawl.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: 47, OutcomeStatus.REJECTED: 1}
    state, reason = await state_of(crawler, FIRST_ID)
    assert state is State.REJECTED
    assert reason is not None
    assert "not audio" in reason
    again = crawler.crawl()
    await again.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {UNCHANGED: 48}
    requests = crawler.crawl(retry_rejected=True)
    await requests.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert counts_by_status(requests.stats) == {OutcomeStatus.SKIPPED: 47, OutcomeStatus.UPLOADED: 1}
    assert await state_of(crawler, FIRST_ID) == (State.QUEUED, None)


async def test_forgotten_tracks_stay_forgotten(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    await crawler.pool.execute("UPDATE tracks SET state = 'forgotten', title = '' WHERE urn = $1", FIRST_ID.urn)
    await crawler.pool.execute("UPDATE playlists SET snapshot_id = 'another'")
    again = crawler.crawl(retry_rejected=True)
    await again.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert again.stats.by_reason[OutcomeStatus.SKIPPED]["forgotten on request"] == 1
    stored = await tracks.get(crawler.pool, FIRST_ID)
    assert stored is not None
    assert (stored.state, stored.track.title) == (State.FORGOTTEN, "")
