from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import track_references, track_states, tracks
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

ID = TrackId("spotify", "6rqhFgbbKwnb9MLmUQDhG6")


def make_track(track: TrackId = ID, title: str = "Title", link: str | None = None) -> Track:
    return Track(
        id=track, title=title, artists=("A", "B"), album="L", duration_ms=30_000, isrc="USABC1234567", link=link
    )


async def state_of(pool: Pool, track: TrackId = ID) -> tuple[State, str | None]:
    status = await tracks.status(pool, track)
    assert status is not None
    return status.state, status.reason


async def test_what_was_found_is_what_is_stored(pool: Pool) -> None:
    await tracks.upsert(pool, make_track())
    stored = await tracks.get(pool, ID)
    assert stored is not None
    assert stored.track == make_track()
    assert stored.state is State.PENDING
    assert await tracks.get_many(pool, [ID.urn, "spotify:track:0000000000000000000000"]) == {ID.urn: stored}


async def test_text_that_postgresql_refuses_is_cleaned(pool: Pool) -> None:
    await tracks.upsert(pool, make_track(title="a\x00b\ud800"))
    stored = await tracks.get(pool, ID)
    assert stored is not None
    assert stored.track.title == "ab"


async def test_the_way_from_found_to_queued_and_rejected(pool: Pool) -> None:
    await tracks.upsert(pool, make_track())
    await tracks.mark_queued(pool, ID, provider="spotify", method="preview_url")
    assert await state_of(pool) == (State.QUEUED, None)
    await tracks.mark_rejected(pool, ID, "silent")
    assert await state_of(pool) == (State.REJECTED, "silent")
    await tracks.mark_pending(pool, ID)
    assert await state_of(pool) == (State.PENDING, None)
    await tracks.mark_no_preview(pool, ID, "nobody has one")
    assert await state_of(pool) == (State.NO_PREVIEW, "nobody has one")


async def test_a_second_crawl_changes_what_is_known_not_where_it_stands(pool: Pool) -> None:
    await tracks.upsert(pool, make_track())
    await tracks.mark_queued(pool, ID, provider="p", method="m")
    await tracks.upsert(pool, make_track(title="Another"))
    stored = await tracks.get(pool, ID)
    assert stored is not None
    assert (stored.track.title, stored.state) == ("Another", State.QUEUED)


async def test_forgotten_stays_forgotten(pool: Pool) -> None:
    await tracks.upsert(pool, make_track())
    await pool.execute("UPDATE tracks SET state = 'forgotten', title = ''")
    await tracks.upsert(pool, make_track())
    await tracks.mark_pending(pool, ID)
    await tracks.mark_rejected(pool, ID, "x")
    stored = await tracks.get(pool, ID)
    assert stored is not None
    assert (stored.track.title, stored.state) == ("", State.FORGOTTEN)


async def test_counts_cover_every_state_and_add_up(pool: Pool) -> None:
    for n in range(1, 6):
        await tracks.upsert(pool, make_track(TrackId("deezer", str(n))))
    await tracks.mark_queued(pool, TrackId("deezer", "1"), provider="p", method="m")
    await tracks.mark_rejected(pool, TrackId("deezer", "2"), "x")
    counts = await track_states.count_by_state(pool)
    assert set(counts) == set(State)
    assert counts == {**dict.fromkeys(State, 0), State.PENDING: 3, State.QUEUED: 1, State.REJECTED: 1}


async def test_a_soundcloud_permalink_is_looked_up(pool: Pool) -> None:
    track = TrackId("soundcloud", "13158665")
    await tracks.upsert(pool, make_track(track, link="https://soundcloud.com/a/b"))
    assert await track_references.resolve(pool, "https://www.soundcloud.com/a/b?si=x") == track
    assert await track_references.resolve(pool, ID.urn) == ID
    for unknown in ("https://soundcloud.com/a/c", "https://soundcloud.com/a/c\x00\ud800"):
        with pytest.raises(InvalidTrackId, match="has no track with the address"):
            await track_references.resolve(pool, unknown)


async def test_queued_for_names_those_that_wait(pool: Pool) -> None:
    await tracks.upsert(pool, make_track())
    await tracks.mark_queued(pool, ID, provider="p", method="m")
    assert await track_states.queued_longer_than(pool, seconds=0) == [ID]
    assert await track_states.queued_longer_than(pool, seconds=60) == []


async def test_an_extractor_that_was_faster_is_not_set_back(pool: Pool) -> None:
    await tracks.upsert(pool, make_track())
    await tracks.mark_rejected(pool, ID, "silent")
    await tracks.mark_queued(pool, ID, provider="spotify", method="preview_url")
    stored = await tracks.get(pool, ID)
    assert stored is not None
    assert (stored.state, stored.reason) == (State.REJECTED, "silent")
    assert (stored.preview_provider, stored.match_method) == ("spotify", "preview_url")


async def test_a_track_that_the_extractors_have_given_up_does_not_wait(pool: Pool) -> None:
    waiting, given_up, rejected, without_preview = (TrackId("deezer", str(n)) for n in range(1, 5))
    for track in (waiting, given_up, rejected, without_preview):
        await tracks.upsert(pool, make_track(track))
    moment = await pool.fetchval("SELECT now()")
    for track in (waiting, given_up):
        await tracks.mark_queued(pool, track, provider="deezer", method="isrc")
    await tracks.set_reason(pool, given_up, "given up after 5 attempts")
    assert await track_states.count_waiting(pool) == 1
    await tracks.mark_rejected(pool, rejected, "silent")
    await tracks.mark_no_preview(pool, without_preview, "nobody has it")
    failures = await track_states.failures_since(pool, moment)
    assert [(failure.track.id, failure.reason) for failure in failures] == [
        (given_up, "given up after 5 attempts"),
        (rejected, "silent"),
        (without_preview, "nobody has it"),
    ]
    assert await track_states.failures_since(pool, await pool.fetchval("SELECT now()")) == []
