"""Which files the entries of a list mean, with a catalogue and files that are there."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from soundalike.crawler.sources.track_lists.file_address import FileAddress
from soundalike.crawler.sources.track_lists.file_lookup import (
    AMBIGUOUS,
    NOT_THERE,
    OUTSIDE,
    FileLookup,
    FileMatch,
    MissingFile,
    TracksOfFile,
    UnknownFile,
)
from soundalike.db import libraries, locations, tracks
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Pool

ROOT = b"/srv/Music"


@dataclass
class Scene:
    """A library that is somewhere else, and a folder with lists and files."""

    pool: Pool
    folder: Path
    count: int = 0

    async def locate(self, path: bytes, root: bytes = ROOT, segment: str = "") -> TracksOfFile:
        """Put a track into a library."""
        self.count += 1
        track = TrackId("file", f"{self.count:064x}")
        await tracks.upsert(self.pool, Track(track, "Title"))
        async with self.pool.acquire() as connection:
            library = (await libraries.register(connection, root)).library
            stamp = FileStamp(1, 2, 3, self.count)
            await locations.save(connection, ScannedLocation(library, path, stamp, segment), track)
        return TracksOfFile((track.urn,))

    async def match(self, *texts: str, encoding: str = "utf-8") -> list[FileMatch]:
        folder = bytes(self.folder)
        addresses = [FileAddress.read([text], folder, encoding=encoding) for text in texts]
        return await FileLookup(self.pool, folder).match(addresses)


@pytest.fixture
def scene(pool: Pool, tmp_path: Path) -> Scene:
    folder = (tmp_path / "lists").resolve()
    folder.mkdir()
    return Scene(pool, folder)


async def test_files_of_libraries_however_their_paths_are_written(scene: Scene) -> None:
    plain = await scene.locate(b"A/a b.mp3")
    bjork = await scene.locate("Björk/Jóga.mp3".encode())
    raw = await scene.locate(b"R/\xe9.mp3")
    texts = {
        "/srv/Music/A/a b.mp3": plain,
        "file:///srv/Music/A/a%20b.mp3": plain,
        "/SRV/music/a/A B.MP3": plain,
        "C:\\Users\\me\\Music\\A\\a b.mp3": plain,
        "\\\\nas\\share\\A\\A B.mp3": plain,
        "/Volumes/Disk/Music/A/a b.mp3": plain,
        unicodedata.normalize("NFD", "/srv/Music/Björk/Jóga.mp3"): bjork,
        "file:///srv/Music/R/%E9.mp3": raw,
        "/srv/Music/A/gone.mp3": MissingFile(NOT_THERE),
        "/etc/passwd": MissingFile(OUTSIDE),
        "../../../etc/passwd": MissingFile(OUTSIDE),
        "a b.mp3": MissingFile(NOT_THERE),
    }
    assert dict(zip(texts, await scene.match(*texts), strict=True)) == texts
    assert await scene.match("/srv/Music/Bj\xf6rk/J\xf3ga.mp3", encoding="cp1252") == [bjork]


async def test_the_end_of_a_path_alone_says_little(scene: Scene) -> None:
    await scene.locate(b"X/CD1/01.mp3")
    single = await scene.locate(b"single.mp3")
    await scene.locate(b"S/twice.mp3")
    await scene.locate(b"S/twice.mp3", b"/mnt/other")
    assert await scene.match(
        "D:\\Musik\\Y\\CD1\\01.mp3",
        "D:\\Musik\\single.mp3",
        "D:\\music\\single.mp3",
        "D:\\single.mp3",
        "E:\\S\\twice.mp3",
    ) == [MissingFile(NOT_THERE), MissingFile(NOT_THERE), single, single, MissingFile(AMBIGUOUS)]
    assert len({*await scene.match("/srv/Music/S/twice.mp3", "/mnt/other/S/twice.mp3")}) == 2


async def test_the_tracks_of_a_cue_sheet_come_in_their_order(scene: Scene) -> None:
    later = await scene.locate(b"A/album.flac", segment="180000-300000")
    first = await scene.locate(b"A/album.flac", segment="0-90000")
    middle = await scene.locate(b"A/album.flac", segment="90000-180000")
    assert await scene.match("/srv/Music/A/album.flac") == [TracksOfFile(first.urns + middle.urns + later.urns)]


async def test_where_a_file_lay_is_remembered_but_what_lies_there_goes_first(scene: Scene) -> None:
    former, present = await scene.locate(b"former.mp3"), await scene.locate(b"Former.mp3")
    await scene.pool.execute("UPDATE locations SET gone_at = now() WHERE path = 'former.mp3'::bytea")
    assert await scene.match("/srv/Music/former.mp3", "/srv/Music/Former.mp3") == [former, present]


async def test_files_near_the_list_and_of_libraries_that_nobody_has_read(scene: Scene, tmp_path: Path) -> None:
    library = tmp_path / "library"
    for path in (scene.folder / "Music" / "Äa.mp3", library / "B" / "b.mp3", tmp_path / "other" / "c.mp3"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    await scene.locate(b"known.mp3", bytes(library.resolve()))
    (scene.folder / "in.mp3").symlink_to(library / "B" / "b.mp3")
    (scene.folder / "out.mp3").symlink_to(tmp_path / "other" / "c.mp3")
    (tmp_path / "link").symlink_to(library)
    matches = await scene.match(
        *("Music/Äa.mp3", "music\\äA.MP3", "C:\\x\\Music\\Äa.mp3", f"{library}/B/b.mp3", f"{library}/b/B.mp3"),
        *("in.mp3", f"{tmp_path}/link/B/b.mp3", "out.mp3", f"{tmp_path}/other/c.mp3", "Music", "D:\\y\\b.mp3"),
    )
    near = UnknownFile(bytes(scene.folder / "Music" / "Äa.mp3"), None)
    assert matches[:3] == [near] * 3
    for match in matches[3:7]:
        assert isinstance(match, UnknownFile)
        assert match.path == bytes(library.resolve() / "B" / "b.mp3")
        assert match.library is not None
        assert match.library.root == bytes(library.resolve())
    assert matches[7:] == [MissingFile(reason) for reason in (NOT_THERE, OUTSIDE, NOT_THERE, NOT_THERE)]
