from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.db import aliases, erasure, tracks
from soundalike.db.aliases import ACOUSTID, ISRC, MUSICBRAINZ_RECORDING, Alias
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

ONE, OTHER = TrackId("file", "1" * 64), TrackId("file", "2" * 64)
RECORDING, FORMER, SOUND = (
    Alias(MUSICBRAINZ_RECORDING, "r1"), Alias(MUSICBRAINZ_RECORDING, "r0"), Alias(ACOUSTID, "s1"),
)  # fmt: skip


async def test_a_track_has_the_ids_of_its_last_tags_and_those_that_others_gave_it(pool: Pool) -> None:
    await tracks.upsert(pool, Track(ONE, "One", aliases=(FORMER, SOUND)))
    await aliases.replace(pool, ONE, [Alias("server", "7")], ["server"])
    await tracks.upsert(pool, Track(ONE, "One", aliases=(RECORDING, SOUND, SOUND)))
    stored = await tracks.get(pool, ONE)
    assert stored is not None
    await tracks.upsert(pool, stored.track)
    assert await aliases.of_tracks(pool, [ONE.urn, OTHER.urn]) == {ONE.urn: [SOUND, RECORDING, Alias("server", "7")]}


async def test_two_tracks_may_have_the_same_id(pool: Pool) -> None:
    for track in (ONE, OTHER):
        await tracks.upsert(pool, Track(track, "One", aliases=(SOUND, Alias(ISRC, "USHM80865849"))))
    assert await aliases.tracks_of(pool, ACOUSTID, ["s1", "s2"]) == {"s1": [ONE.urn, OTHER.urn]}


async def test_a_forgotten_track_gets_none_and_a_forgotten_file_keeps_those_that_tell_other_encodings(
    pool: Pool,
) -> None:
    service_track = TrackId("deezer", "1")
    for track in (ONE, service_track):
        await tracks.upsert(pool, Track(track, "One", aliases=(SOUND,)))
    async with pool.acquire() as connection:
        await erasure.forget_tracks(connection, [ONE, service_track])
    for track in (ONE, service_track):
        await tracks.upsert(pool, Track(track, "One", aliases=(SOUND, RECORDING)))
        await aliases.replace(pool, track, [RECORDING], [MUSICBRAINZ_RECORDING])
    assert await aliases.of_tracks(pool, [ONE.urn, service_track.urn]) == {ONE.urn: [SOUND]}
