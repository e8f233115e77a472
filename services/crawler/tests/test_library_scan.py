"""What a scan notices of a library that changes: nothing is read twice, nothing is lost, nothing gone stays."""

from __future__ import annotations

import io
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from mutagen.flac import FLAC

from soundalike.audio.file_tree import walk
from soundalike.crawler.errors import SourceLocked, SourceUnavailable
from soundalike.crawler.library import scan, stored_files
from soundalike.crawler.library.file_reader import FileReader
from soundalike.crawler.library.scan_record import BEING_WRITTEN, GONE, MOVED, RETURNED, UNCHANGED
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import erasure, libraries, locations, tracks
from soundalike.db.search import search
from soundalike.db.tracks import State
from soundalike.testing.wait import scale

from .library_scene import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId


class QuickEncoders:
    """Encodes the same clip of every file."""

    async def encode(self, _path: Path, _segment: object) -> bytes:
        return b"fLaC"


@pytest.fixture
def library(tmp_path: Path, pool: Pool, file_reader: FileReader) -> Library:
    encoders: ClipEncoderPool = QuickEncoders()  # type: ignore[assignment]
    folder = tmp_path / "music"
    folder.mkdir()
    return Library(folder, pool, encoders, file_reader)


@pytest.fixture
def song(audio: Callable[..., bytes]) -> Callable[[int], bytes]:
    """Short files of different sound."""
    return lambda number: audio(1, hertz=220 + 20 * number)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The paths that were read."""
    paths: list[bytes] = []
    read = FileReader.read

    def note(self: FileReader, stream: Any, path: bytes) -> Any:
        paths.append(path)
        return read(self, stream, path)

    monkeypatch.setattr(FileReader, "read", note)
    return paths


async def state(library: Library, track: TrackId) -> State | None:
    status = await tracks.status(library.pool, track)
    return status.state if status else None


async def paths_of(library: Library, track: TrackId) -> list[bytes]:
    return [each.path for each in (await locations.of_tracks(library.pool, [track.urn])).get(track.urn, [])]


async def test_what_is_unchanged_is_not_read_again_unless_asked_for(
    library: Library, song: Callable[[int], bytes], readings: list[bytes]
) -> None:
    library.put("a/1.flac", song(1))
    library.put("a b/2.flac", song(2))
    library.put("a/cover.jpg", b"\xff\xd8\xff")
    await library.crawl()
    assert sorted(readings) == [b"a b/2.flac", b"a/1.flac", b"a/cover.jpg"]
    readings.clear()
    again = await library.crawl()
    assert readings == []
    assert again.stats.changes == {UNCHANGED: 3}
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {"already queued": 2}
    assert (again.stats.finished, again.stats.ignored) == (2, {"other files": 1})
    assert library.progress.shares[-1][1] == 3
    full = await library.crawl(full=True)
    assert (len(readings), full.stats.changes) == (3, {})


@pytest.mark.parametrize("change", ["mtime", "size", "ctime"])
async def test_a_changed_file_is_read_again(
    library: Library, song: Callable[[int], bytes], readings: list[bytes], change: str
) -> None:
    library.put("1.flac", song(1))
    library.put("2.flac", song(2))
    await library.crawl()
    readings.clear()
    path = library.folder / "1.flac"
    before = path.stat()
    match change:
        case "mtime":
            os.utime(path, ns=(0, before.st_mtime_ns - 1))
        case "size":
            path.write_bytes(path.read_bytes() + b"more")
            os.utime(path, ns=(0, before.st_mtime_ns))
        case "ctime":
            # As tag editors do that keep the time of the last change.
            path.write_bytes(path.read_bytes())
            os.utime(path, ns=(0, before.st_mtime_ns))
    await library.crawl()
    assert readings == [b"1.flac"]


async def test_files_that_a_file_system_numbers_anew_are_not_read_again(
    library: Library, song: Callable[[int], bytes], readings: list[bytes]
) -> None:
    library.put("1.flac", song(1))
    await library.crawl()
    await library.pool.execute("UPDATE locations SET inode = inode + 7")
    assert (await library.crawl()).stats.changes[UNCHANGED] == len(readings) == 1
    (row,) = await library.pool.fetch("SELECT inode FROM locations")
    assert row["inode"] == (library.folder / "1.flac").stat().st_ino


async def test_a_moved_file_is_followed(library: Library, song: Callable[[int], bytes], readings: list[bytes]) -> None:
    moved, renamed = library.put("old/1.flac", song(1)), library.put("old/2.flac", song(2))
    await library.crawl()
    readings.clear()
    (library.folder / "old").rename(library.folder / "new")
    (library.folder / "new/2.flac").rename(library.folder / "new/Other Name.flac")
    crawl = await library.crawl()
    # The name of a file may be all that tells its title.
    assert readings == [b"new/Other Name.flac"]
    assert crawl.stats.changes == {MOVED: 1}
    assert await paths_of(library, moved) == [b"new/1.flac"]
    assert await paths_of(library, renamed) == [b"new/Other Name.flac"]
    assert await state(library, moved) is await state(library, renamed) is State.QUEUED
    assert [each.path for each in await library.rows()] == [b"new/1.flac", b"new/Other Name.flac"]


async def test_one_sound_in_two_folders_is_one_track_at_two_places(
    library: Library, song: Callable[[int], bytes]
) -> None:
    track = library.put("a/1.flac", song(1))
    await library.crawl()
    library.put("b/1.flac", song(1))
    (library.folder / "c").mkdir()
    os.link(library.folder / "a/1.flac", library.folder / "c/1.flac")
    await library.crawl()
    assert await paths_of(library, track) == [b"a/1.flac", b"b/1.flac", b"c/1.flac"]
    shutil.rmtree(library.folder / "a")
    assert (await library.crawl()).stats.changes[GONE] == 0
    assert await paths_of(library, track) == [b"b/1.flac", b"c/1.flac"]
    assert await state(library, track) is State.QUEUED
    assert (await library.crawl()).stats.changes[UNCHANGED] == 2


async def test_a_gone_file_takes_its_track_out_until_it_is_there_again(
    library: Library, song: Callable[[int], bytes], readings: list[bytes]
) -> None:
    library.put("1.flac", song(1))
    gone = library.put("2.flac", song(2))
    await library.crawl()
    (library.folder / "2.flac").rename(library.folder.parent / "aside")
    assert (await library.crawl()).stats.changes[GONE] == 1
    assert await state(library, gone) is State.GONE
    assert (await library.crawl()).stats.changes[GONE] == 0
    (library.folder.parent / "aside").rename(library.folder / "2.flac")
    readings.clear()
    back = await library.crawl()
    assert (back.stats.changes[RETURNED], back.stats.count(OutcomeStatus.UPLOADED)) == (1, 1)
    assert await state(library, gone) is State.QUEUED
    assert readings == []


async def test_many_files_that_are_gone_at_once_are_asked_about(library: Library, song: Callable[[int], bytes]) -> None:
    kept = [library.put(f"kept/{number}.flac", song(number)) for number in range(3)]
    mounted = [library.put(f"mounted/{number}.flac", song(number)) for number in range(3, 5)]
    await library.crawl()
    shutil.rmtree(library.folder / "mounted")
    once, _, failure = await library.scan()
    assert failure is None
    assert once.notice is not None
    assert "the files of 2 tracks" in once.notice
    assert "soundalike crawl --accept-gone --folder" in once.notice
    questions: list[str] = []
    await library.scan(ask=lambda question: bool(questions.append(question)))
    assert len(questions) == 1
    assert await state(library, mounted[0]) is State.QUEUED
    _, crawl, _ = await library.scan(ask=lambda _: True)
    assert crawl.stats.changes[GONE] == 2
    assert [await state(library, track) for track in (*kept, *mounted)] == [State.QUEUED] * 3 + [State.GONE] * 2


async def test_all_that_is_gone_is_accepted_where_that_is_said(library: Library, song: Callable[[int], bytes]) -> None:
    gone = [library.put(f"{number}.flac", song(number)) for number in range(3)]
    await library.crawl()
    for number in (0, 1):
        (library.folder / f"{number}.flac").unlink()
    assert (await library.crawl(accept_gone=True)).stats.changes[GONE] == 2
    assert await state(library, gone[1]) is State.GONE


@pytest.mark.parametrize("what", ["empty", "away", "unreadable folder"])
async def test_what_cannot_be_looked_at_is_not_gone(
    library: Library, song: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    track = library.put("a/b/1.flac", song(1))
    library.put("2.flac", song(2))
    await library.crawl()
    match what:
        case "empty":
            shutil.rmtree(library.folder)
            library.folder.mkdir()
        case "away":
            shutil.rmtree(library.folder)
        case _:
            scandir = os.scandir

            def refuse(path: bytes) -> Any:
                if path.endswith(b"/a"):
                    raise PermissionError(13, "Permission denied")
                return scandir(path)

            monkeypatch.setattr(os, "scandir", refuse)
    _, crawl, failure = await library.scan(accept_gone=True)
    assert crawl.stats.changes[GONE] == 0
    assert await state(library, track) is State.QUEUED
    if what == "unreadable folder":
        assert crawl.stats.by_reason[OutcomeStatus.FAILED] == {"cannot be read": 1}
        return
    assert isinstance(failure, SourceUnavailable)
    assert {"empty": "is its disk mounted?", "away": "No such file"}[what] in str(failure)
    assert "nothing of it was removed" in str(failure).lower()


async def test_a_scan_that_is_interrupted_goes_on_and_marks_nothing_gone(
    library: Library, song: Callable[[int], bytes], readings: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = library.put("0.flac", song(0))
    await library.crawl()
    (library.folder / "0.flac").unlink()
    for number in range(1, 4):
        library.put(f"{number}.flac", song(number))

    def broken(root: bytes, below: bytes) -> Any:
        items, done = walk(root, below), len(library.progress.shares)
        yield from (next(items), next(items))
        # In a thread of its own.
        deadline = time.monotonic() + scale(30)
        while len(library.progress.shares) < done + 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        raise OSError("pulled out")

    with monkeypatch.context() as patch:
        patch.setattr(scan, "walk", broken)
        patch.setattr(scan, "_RECENT_NS", 0)
        patch.setattr(stored_files, "_ITEMS", 1)
        with pytest.raises(ExceptionGroup):
            await library.scan()
    assert await state(library, gone) is State.QUEUED
    readings.clear()
    crawl = await library.crawl()
    assert readings == [b"3.flac"]
    assert crawl.stats.changes == {UNCHANGED: 2, GONE: 1}


async def test_a_file_that_is_still_being_written_waits_for_the_next_scan(
    library: Library, song: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("1.flac", song(1))
    library.put("2.flac", song(2)[:3000])
    listed = list(walk(os.fsencode(library.folder)))
    whole = library.put("2.flac", song(2))
    with monkeypatch.context() as patch:
        patch.setattr(scan, "walk", lambda *_: iter(listed))
        crawl = await library.crawl()
    assert (crawl.stats.finished, crawl.stats.ignored) == (1, {BEING_WRITTEN: 1})
    assert (await library.crawl()).stats.finished == 2
    assert await state(library, whole) is State.QUEUED


async def test_a_file_that_changes_while_it_is_read(
    library: Library, song: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("1.flac", song(1))
    read = FileReader.read

    def grow(self: FileReader, stream: Any, path: bytes) -> Any:
        facts = read(self, stream, path)
        with (library.folder / "1.flac").open("ab") as file:
            file.write(b"more")
        return facts

    monkeypatch.setattr(FileReader, "read", grow)
    assert (await library.crawl()).stats.ignored == {BEING_WRITTEN: 1}


async def test_a_forgotten_file_is_not_read_again(
    library: Library, song: Callable[[int], bytes], readings: list[bytes]
) -> None:
    track = library.put("1.flac", song(1))
    await library.crawl()
    async with library.pool.acquire() as connection:
        await erasure.forget_tracks(connection, [track])
    readings.clear()
    for full in (False, True, False):
        crawl = await library.crawl(full=full)
        assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {"forgotten on request": 1}
        assert await state(library, track) is State.FORGOTTEN
    assert readings == [b"1.flac"]


async def test_a_file_of_a_blocked_recording_is_left_out_every_time(
    library: Library, song: Callable[[int], bytes], readings: list[bytes]
) -> None:
    library.put("1.flac", song(1))
    file = FLAC(library.folder / "1.flac")
    file["isrc"] = "ZZAAA2600001"
    file.save()
    async with library.pool.acquire() as connection:
        await erasure.forget_releases(connection, ["ZZAAA2600001"])
    for _ in range(2):
        crawl = await library.crawl()
        assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {"forgotten on request": 1}
    assert readings == [b"1.flac"]


async def test_what_is_owed_for_an_unchanged_file_is_done(
    library: Library, song: Callable[[int], bytes], readings: list[bytes]
) -> None:
    track = library.put("1.flac", song(1))
    await library.crawl()
    await tracks.mark_pending(library.pool, track)
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 1
    assert len(readings) == 1


async def test_a_folder_of_a_library_is_scanned_by_itself(library: Library, song: Callable[[int], bytes]) -> None:
    library.put("1.flac", song(1))
    inside = library.put("album/2.flac", song(2))
    library.put("album2/3.flac", song(3))
    await library.crawl()
    (library.folder / "album/2.flac").rename(library.folder / "album/4.txt")
    (library.folder / "1.flac").unlink()
    _, crawl, failure = await library.scan("album")
    assert failure is None
    assert await state(library, inside) is State.QUEUED
    assert crawl.stats.finished == 1
    assert [each.root for each in await libraries.all_libraries(library.pool)] == [os.fsencode(library.folder)]
    assert [each.path for each in await library.rows()] == [b"1.flac", b"album/4.txt", b"album2/3.flac"]


async def test_two_crawlers_never_scan_a_library_at_once(library: Library, song: Callable[[int], bytes]) -> None:
    library.put("1.flac", song(1))
    one, crawl, _ = await library.scan()
    async with crawl.leases.acquire(f"library:{one.library.id}"):
        assert isinstance(await one.run(crawl), SourceLocked)


async def test_the_tags_of_the_newest_of_the_files_of_a_track_count(
    library: Library, song: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("b", "a")):
        library.put(f"{name}.flac", song(1))
        file = FLAC(library.folder / f"{name}.flac")
        file["title"] = f"Title {name}"
        file.save()
        os.utime(library.folder / f"{name}.flac", (0, number))
    read = FileReader.read

    def same_sound(self: FileReader, stream: Any, path: bytes) -> Any:
        facts = read(self, stream, path)
        return facts and type(facts)(facts.kind, type(facts.audio)("a" * 64, 1000), facts.tags)

    monkeypatch.setattr(FileReader, "read", same_sound)
    for full in (False, True):
        await library.crawl(full=full)
        assert [row["title"] for row in await library.pool.fetch("SELECT title FROM tracks")] == ["Title a"]


async def test_another_encoding_of_what_was_forgotten_is_reported(
    library: Library, audio: Callable[..., bytes]
) -> None:
    def tagged(hertz: int, title: str) -> bytes:
        stream = io.BytesIO(audio(1, hertz=hertz))
        file = FLAC(stream)
        file["title"], file["isrc"] = title, "USHM80865849"
        stream.seek(0)
        file.save(stream)
        return stream.getvalue()

    first = library.put("first.flac", tagged(300, "Song"))
    await library.crawl()
    async with library.pool.acquire() as connection:
        await erasure.forget_tracks(connection, [first])
    second = library.put("second.flac", tagged(310, "Song again"))
    scan, _, failure = await library.scan()
    assert failure is None
    assert scan.notice is not None
    assert f"that were forgotten: Song again ({second}). To forget one, too: soundalike forget" in scan.notice
    # Once: the person knows now, and the file stays.
    assert (await library.scan())[0].notice is None
    status = await tracks.status(library.pool, second)
    assert status is not None
    assert status.state is State.QUEUED


async def test_one_sound_under_several_names_is_one_track_that_each_name_finds(
    library: Library, song: Callable[[int], bytes]
) -> None:
    def tag(name: str, title: str, artist: str) -> None:
        file = FLAC(library.folder / f"{name}.flac")
        file["title"], file["artist"] = title, artist
        file.save()

    async def found(text: str) -> list[tuple[str, tuple[str, ...], str]]:
        return [
            (each.track.track.title, each.track.track.artists, str(each.likeness))
            for each in await search(library.pool, text, limit=5)
        ]

    names = [("One", "B!rd"), ("Two", "AB/CD"), ("Three", "Sœur")]
    for number, (title, artist) in enumerate(names):
        track = library.put(f"{number}.flac", song(1))
        tag(str(number), title, artist)
        os.utime(library.folder / f"{number}.flac", ns=(number * 10**9, number * 10**9))
    await library.crawl()
    assert await paths_of(library, track) == [b"0.flac", b"1.flac", b"2.flac"]
    for text, (title, artist) in zip(["bird", "abcd", "soeur"], names, strict=True):
        assert await found(text) == [(title, (artist,), "exact")]
    # A new name in the place of one of them, and one that goes.
    tag("1", "Two", "EF")
    (library.folder / "2.flac").unlink()
    await library.crawl(accept_gone=True)
    assert await found("ef") == [("Two", ("EF",), "exact")]
    assert await found("abcd") == []
    assert await found("soeur") == []
    async with library.pool.acquire() as connection:
        await erasure.forget_tracks(connection, [track])
    assert await found("bird") == []
    assert (
        await library.pool.fetchval("SELECT count(*) FROM locations WHERE names IS NOT NULL AND gone_at IS NULL") == 0
    )


@pytest.mark.parametrize("is_inner", [True, False])
async def test_a_library_that_is_none_any_more_is_not_scanned(
    library: Library, song: Callable[[int], bytes], *, is_inner: bool
) -> None:
    library.put("1.flac", song(1))
    former, crawl, _ = await library.scan()
    async with library.pool.acquire() as connection:
        if is_inner:
            await libraries.register(connection, os.fsencode(library.folder.parent))
        else:
            await libraries.delete(connection, former.library)
    library.put("2.flac", song(2))
    failure = await former.run(crawl)
    assert isinstance(failure, SourceUnavailable)
    assert "was removed, or taken over by another one" in str(failure)
    assert await library.pool.fetchval("SELECT count(*) FROM locations") == is_inner
