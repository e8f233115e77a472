"""What a second crawl of a playlist asks for, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.crawl import UNCHANGED
from soundalike.crawler.stats import Fate
from soundalike.db import models, playlists, tracks
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, awkward_playlist, generated_playlist

from .conftest import FIRST_ID, FIRST_PREVIEW, NOT_OFFERED, hear, state_of, sums

if TYPE_CHECKING:
    from .conftest import Bench
else:
    Bench = Any


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
    await bench.crawl().run(bench.playlist(generated_playlist(3).spotify_id))
    generated_id = TrackId("spotify", "generatedtrack00000001")
    await hear(bench, generated_id)
    async with bench.pool.acquire() as connection:
        await models.register(connection, EmbeddingModel("another", 160))
    again = bench.crawl()
    await again.run(bench.playlist(generated_playlist(3).spotify_id))
    assert sums(again.tally) == {Fate.SKIPPED: 2, Fate.UPLOADED: 1}
    assert (await state_of(bench, generated_id))[0] is State.QUEUED


async def test_an_unchanged_playlist_costs_one_request(bench: Bench) -> None:
    three = generated_playlist(3)
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
    three = generated_playlist(3)
    await bench.crawl().run(bench.playlist(three.spotify_id))
    for number in range(3):
        await hear(bench, TrackId("spotify", f"generatedtrack{number:08d}"))
    library.add(replace(three, entries=(*three.entries[:2], *generated_playlist(5).entries[3:])))
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
