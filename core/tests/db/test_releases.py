"""Finding every release of a recording, by ISRC and by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import erasure, releases, tracks
from soundalike.db.tracks import State, Track
from soundalike.domain.isrc import isrc_urn
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Pool
    from soundalike.db.tracks import StoredTrack

CODE, OTHER_CODE = "GBDUW0000053", "USQX91300108"


def numbers(stored: Sequence[StoredTrack]) -> list[int]:
    return [int(each.track.id.key) for each in stored]


async def store(pool: Pool, *named: tuple[str, tuple[str, ...]]) -> None:
    for number, (title, artists) in enumerate(named, 1):
        assert await tracks.upsert(pool, Track(TrackId("deezer", str(number)), title, artists))


async def state(pool: Pool, track: TrackId) -> State | None:
    stored = await tracks.get(pool, track)
    return stored.state if stored else None


@pytest.mark.parametrize(
    ("title", "artist", "expected"),
    [
        ("One More Time", "Daft Punk", [1, 2, 3]),
        ("one more time (remastered 2021)", "DAFT  PUNK", [1, 2, 3]),
        ("One More Time (Live)", "Daft Punk", [4]),
        ("One More Time", "Romanthony", [2, 3]),
        ("One More Time", "Daft Punk feat. Romanthony", [2, 3]),
        ("One More", "Daft Punk", []),
        ("One More Time", "Daft", []),
        ("One More Time", "Various Artists", []),
        ("", "Daft Punk", []),
        ("Don't Stop", "The A & B", [8]),
        ("dont stop", "a, b", [8]),
        ("丸の内サディスティック", "椎名林檎", [9]),
        ("So What", "!!!", [10]),
    ],
)
async def test_a_name_means_every_release_and_no_other_version(
    pool: Pool, title: str, artist: str, expected: list[int]
) -> None:
    await store(
        pool,
        ("One More Time", ("Daft Punk",)),
        ("One More Time (feat. Romanthony) - 2021 Remaster", ("Daft Punk",)),
        ("ONE MORE TIME", ("Romanthony", "Daft Punk")),
        ("One More Time (Live)", ("Daft Punk",)),
        ("One More Time Again", ("Daft Punk",)),
        ("One More Time", ("Somebody Else",)),
        ("Another", ("Daft Punk",)),
        ("Don\u2019t Stop", ("A", "B")),
        ("丸の内サディスティック", ("椎名林檎",)),
        ("So What", ("!!!",)),
    )
    assert numbers(sorted(await releases.by_name(pool, title, artist), key=lambda f: int(f.track.id.key))) == expected


async def test_names_that_are_not_folded_yet_count(pool: Pool) -> None:
    await store(pool, ("Song", ("Band",)))
    await pool.execute("UPDATE track_names SET words = NULL, title = '', credit = ''")
    assert numbers(await releases.by_name(pool, "song", "band")) == [1]
    assert numbers(await releases.by_name(pool, "song", "other")) == []


async def test_a_code_means_every_track_that_bears_it_however_it_was_written(pool: Pool) -> None:
    for number, code in enumerate((CODE, "gb-duw-00-00053", OTHER_CODE, None), 1):
        await tracks.upsert(pool, Track(TrackId("spotify", f"{number:022}"), "T", isrc=code))
    await pool.execute("UPDATE tracks SET isrc = 'GB DUW 00 00053' WHERE urn LIKE '%2'")
    assert numbers(await releases.by_isrc(pool, [CODE])) == [1, 2]
    assert numbers(await releases.by_isrc(pool, [CODE, OTHER_CODE])) == [1, 2, 3]
    assert numbers(await releases.by_isrc(pool, [])) == []


async def test_a_forgotten_code_takes_its_tracks_along_and_brings_no_new_ones(pool: Pool) -> None:
    bearing, other, late = (TrackId("deezer", str(number)) for number in (1, 2, 3))
    await tracks.upsert(pool, Track(bearing, "T", isrc=CODE))
    await tracks.upsert(pool, Track(other, "U", isrc=OTHER_CODE))
    async with pool.acquire() as db:
        assert await erasure.forget_releases(db, [CODE], [other]) == [bearing.urn, other.urn]
        assert await erasure.forget_releases(db, [CODE]) == []
    assert {await state(pool, bearing), await state(pool, other)} == {State.FORGOTTEN}
    assert await erasure.find_blocked(pool, [isrc_urn(CODE), isrc_urn(OTHER_CODE)]) == {isrc_urn(CODE)}
    assert await tracks.upsert(pool, Track(late, "T", isrc=CODE.lower())) is False
    assert await state(pool, late) is None
    assert await tracks.upsert(pool, Track(late, "T", isrc=OTHER_CODE)) is True
    assert await tracks.upsert(pool, Track(TrackId("deezer", "4"), "T")) is True


async def test_only_what_is_there_is_forgotten_when_it_turns_out_to_be_blocked(pool: Pool) -> None:
    there, nowhere = TrackId("deezer", "1"), TrackId("deezer", "2")
    await tracks.upsert(pool, Track(there, "T"))
    async with pool.acquire() as db:
        await erasure.forget_if_present(db, there)
        await erasure.forget_if_present(db, nowhere)
    assert await state(pool, there) is State.FORGOTTEN
    assert await state(pool, nowhere) is None
