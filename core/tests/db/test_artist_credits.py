from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import artist_credits, search, tracks
from soundalike.db.tracks import Track
from soundalike.domain.artists import decide
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool


def file_track(number: int, *credit: str, title: str = "Title") -> Track:
    artists = decide(credit, lambda _: False)
    return Track(TrackId("file", f"{number:064x}"), title, artists, artist_credit=credit)


def service_track(number: int, *artists: str) -> Track:
    return Track(TrackId("deezer", str(number)), "Title", artists)


async def artists_of(pool: Pool, track: Track) -> tuple[str, ...]:
    stored = await tracks.get(pool, track.id)
    assert stored is not None
    assert stored.track.artist_credit == track.artist_credit
    return stored.track.artists


@pytest.mark.parametrize(
    ("others", "artists"),
    [
        ([file_track(2, "Glass Choir")], ("Glass Choir", "Pavo")),
        ([file_track(2, "GLASS CHOIR; Quill")], ("Glass Choir", "Pavo")),
        ([service_track(2, "The Glass Choir")], ("Glass Choir", "Pavo")),
        ([file_track(2, "Glass Choir, Quill")], ("Glass Choir, Pavo",)),
        ([service_track(2, "Glass Choir, Pavo"), file_track(3, "Glass Choir")], ("Glass Choir, Pavo",)),
        ([file_track(2, "Glass"), file_track(3, "Choir")], ("Glass Choir, Pavo",)),
    ],
)
async def test_a_credit_is_decided_by_who_is_in_the_catalogue(
    pool: Pool, others: list[Track], artists: tuple[str, ...]
) -> None:
    track = file_track(1, "Glass Choir, Pavo")
    for each in (track, *others):
        await tracks.upsert(pool, each)
    await artist_credits.decide_all(pool)
    assert await artists_of(pool, track) == artists
    assert await artist_credits.decide_all(pool) == 0


async def test_a_decision_stays_when_a_file_is_read_again_and_changes_as_the_catalogue_does(pool: Pool) -> None:
    track, known = file_track(1, "Glass Choir, Pavo"), file_track(2, "Glass Choir")
    await tracks.upsert(pool, track)
    assert await artist_credits.decide_all(pool) == 0
    await tracks.upsert(pool, known)
    assert await artist_credits.decide_all(pool) == 1
    again = file_track(1, "Glass Choir, Pavo", title="Another")
    await tracks.upsert(pool, again)
    assert await artists_of(pool, again) == ("Glass Choir", "Pavo")
    await tracks.upsert(pool, file_track(1, "Pavo & Quill"))
    assert await artists_of(pool, file_track(1, "Pavo & Quill")) == ("Pavo & Quill",)
    await tracks.upsert(pool, track)
    await tracks.upsert(pool, file_track(2, "Somebody"))
    await artist_credits.decide_all(pool)
    assert await artists_of(pool, track) == ("Glass Choir, Pavo",)


async def test_names_that_a_service_tells_one_by_one_are_not_decided(pool: Pool) -> None:
    whole = service_track(1, "Glass Choir, Pavo")
    for each in (whole, file_track(2, "Glass Choir"), file_track(3, "Pavo")):
        await tracks.upsert(pool, each)
    assert await artist_credits.decide_all(pool) == 0
    assert await artists_of(pool, whole) == ("Glass Choir, Pavo",)


async def test_credits_from_before_the_rule_are_split(pool: Pool) -> None:
    before = Track(TrackId("file", "4" * 64), "Title", ("Glass Choir; Pavo",), artist_credit=("Glass Choir; Pavo",))
    await tracks.upsert(pool, before)
    assert await artist_credits.decide_all(pool) == 1
    assert await artists_of(pool, before) == ("Glass Choir", "Pavo")


async def test_decided_artists_and_new_titles_can_be_searched(pool: Pool) -> None:
    track = file_track(1, "Glass Choir/Pavo", title="Before")
    for each in (track, file_track(2, "Glass Choir")):
        await tracks.upsert(pool, each)
    await artist_credits.decide_all(pool)
    await tracks.upsert(pool, file_track(1, "Glass Choir/Pavo", title="Afterwards"))
    await artist_credits.decide_all(pool)
    for text in ("pavo afterwards", "glass choir pavo"):
        page = await search.search(pool, text, limit=5)
        assert track.id.urn in [each.track.track.id.urn for each in page]
