from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from soundalike.db import libraries, locations, tracks
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.tracks import State, StoredTrack, Track
from soundalike.domain.track_id import TrackId
from soundalike.local.crawl_report import failure_groups, result_lines

if TYPE_CHECKING:
    from soundalike.db.database import Pool


def failure(title: str, reason: str | None) -> StoredTrack:
    return StoredTrack(Track(TrackId("deezer", str(1 + zlib.crc32(title.encode()))), title), State.REJECTED, reason)


def test_failures_are_grouped_by_their_reasons_but_for_numbers() -> None:
    failures = [
        failure("One", "the recording is 1.5 s long; at least 3 s are required"),
        failure("Two", "it is silent"),
        failure("Three", "the recording is 0.2 s long; at least 3 s are required"),
        *[failure(f"Mute {number}", "it is silent") for number in range(4)],
        failure("", None),
    ]
    assert [(group.reason, group.count, list(group.first.values())) for group in failure_groups(failures)] == [
        ("it is silent", 5, ["Two", "Mute 0", "Mute 1"]),
        ("the recording is … s long; at least 3 s are required", 2, ["One", "Three"]),
        ("no reason is known", 1, [""]),
    ]


async def test_the_result_counts_what_is_ready_and_names_what_is_not(pool: Pool) -> None:
    nothing = dict.fromkeys(State, 0)
    moment = await pool.fetchval("SELECT now()")
    assert await result_lines(pool, nothing, moment) == ["0 tracks are ready to be recommended (0 new)."]
    for number in range(1, 4):
        await tracks.upsert(pool, Track(TrackId("deezer", str(number)), f"Song {number}"))
    await pool.execute("UPDATE tracks SET state = 'ready' WHERE urn <> 'deezer:track:1'")
    await tracks.mark_rejected(pool, TrackId("deezer", "1"), "it is silent")
    assert await result_lines(pool, nothing | {State.READY: 1}, moment) == [
        "2 tracks are ready to be recommended (1 new).",
        "1 track could not be analysed:",
        "      1  it is silent: Song 1",
    ]
    assert await result_lines(pool, nothing | {State.READY: 2}, await pool.fetchval("SELECT now()")) == [
        "2 tracks are ready to be recommended (0 new)."
    ]


async def test_more_reasons_than_a_person_reads_are_counted(pool: Pool) -> None:
    moment = await pool.fetchval("SELECT now()")
    for number, letter in enumerate("abcdefghij", 1):
        await tracks.ensure(pool, track := TrackId("deezer", str(number)))
        await tracks.mark_rejected(pool, track, f"reason {letter}")
    lines = await result_lines(pool, dict.fromkeys(State, 0), moment)
    assert (len(lines), lines[-1]) == (11, "      2  other reasons")


async def test_files_are_named_by_their_paths(pool: Pool) -> None:
    moment = await pool.fetchval("SELECT now()")
    async with pool.acquire() as connection:
        library = (await libraries.register(connection, b"/music")).library
    stamp = FileStamp(1, 2, 3, 4)
    for number in range(5):
        await tracks.upsert(pool, Track(track := TrackId("file", f"{number:064}"), "A title"))
        await locations.save(pool, ScannedLocation(library, b"Album/%d \xff.mp3" % number, stamp), track)
        await tracks.mark_rejected(pool, track, "it is silent")
    assert (await result_lines(pool, dict.fromkeys(State, 0), moment))[-1] == (
        "      5  it is silent: Album/0 \N{REPLACEMENT CHARACTER}.mp3, Album/1 \N{REPLACEMENT CHARACTER}.mp3, "
        "Album/2 \N{REPLACEMENT CHARACTER}.mp3 and 2 more"
    )
