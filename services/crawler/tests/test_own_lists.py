"""Lists of one's own files come to playlists, with real files and a real database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from soundalike.crawler.crawl import UNCHANGED, Crawl
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.library.listed_files import ListedFiles
from soundalike.crawler.policy import CrawlPolicy
from soundalike.crawler.sources.track_lists.file_lookup import NOT_THERE, OUTSIDE
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.sources.track_lists.own_tracks import UNKNOWN_TRACK, OwnTracks
from soundalike.crawler.sources.track_lists.track_list_file import TrackListFile
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import playlists, tracks
from soundalike.db.tracks import Track
from soundalike.domain.file_paths import PathPrefix
from soundalike.domain.playlist_id import list_urn
from soundalike.domain.track_id import TrackId
from soundalike.storage.object_store import MemoryStore

from .library_scene import Library, RecordedProgress
from .test_library_scan import QuickEncoders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.library.file_reader import FileReader
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.db.database import Pool


@dataclass
class Lists:
    """A folder with lists, beside a music folder that was crawled."""

    folder: Path
    music: Library
    chain: PreviewChain
    progress: RecordedProgress = field(default_factory=RecordedProgress)
    store: MemoryStore = field(default_factory=MemoryStore)

    async def crawl(self, name: str, content: str | bytes, prefix: PathPrefix | None = None) -> Crawl:
        """Write a list and crawl it to its end; no service is allowed."""
        path = self.folder / name
        await asyncio.to_thread(path.write_bytes, content if isinstance(content, bytes) else content.encode())
        pool, policy = self.music.pool, CrawlPolicy()
        crawl = Crawl(pool, Ingest(pool, self.store, policy), policy, listener=self.progress)
        files = ListedFiles(pool, self.music.file_reader, self.music.encoders)
        source = TrackListFile(ListFile.from_path(path), None, self.chain, OwnTracks(pool, prefix), files)
        assert await crawl.run(source) is None
        return crawl

    async def tracks(self, name: str) -> list[TrackId]:
        return await playlists.tracks_of(self.music.pool, list_urn(name))


@pytest.fixture
def song(audio: Callable[..., bytes]) -> Callable[[int], bytes]:
    """Short files of different sound."""
    return lambda number: audio(1, hertz=220 + 20 * number)


@pytest.fixture
def lists(pool: Pool, file_reader: FileReader, chain: PreviewChain, tmp_path: Path) -> Lists:
    encoders: ClipEncoderPool = QuickEncoders()  # type: ignore[assignment]
    folder = tmp_path.resolve()
    (folder / "music").mkdir()
    return Lists(folder, Library(folder / "music", pool, encoders, file_reader), chain)


async def test_a_list_of_files_of_a_library_is_a_playlist_in_its_order(
    lists: Lists, song: Callable[[int], bytes]
) -> None:
    first, second = lists.music.put("A/first.flac", song(1)), lists.music.put("Ä/zweites.flac", song(2))
    await lists.music.crawl()
    lines = ["#PLAYLIST:Mine", "music/Ä/zweites.flac", "music\\A\\FIRST.flac", "/x/gone.flac", "music/Ä/zweites.flac"]
    crawl = await lists.crawl("mine.m3u8", "\r\n".join(lines))
    assert await lists.tracks("mine.m3u8") == [second, first, second]
    stored = await playlists.get(lists.music.pool, list_urn("mine.m3u8"))
    assert stored is not None
    assert (stored.title, stored.source) == ("Mine", "list")
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {"already queued": 3, OUTSIDE: 1}
    missing = lists.progress.outcomes["gone"]
    assert (missing.is_notable, missing.detail) == (True, f"{OUTSIDE}: /x/gone.flac")
    # Edited, it is the same list.
    await lists.crawl("mine.m3u8", "#PLAYLIST:Ours\nmusic/A/first.flac\n")
    assert await lists.tracks("mine.m3u8") == [first]
    # Unchanged, it is not read again.
    crawl = await lists.crawl("mine.m3u8", "#PLAYLIST:Ours\nmusic/A/first.flac\n")
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {UNCHANGED: 1}


@pytest.mark.parametrize("form", ["m3u", "windows", "pls", "xspf", "jspf", "csv"])
async def test_every_form_of_list(lists: Lists, song: Callable[[int], bytes], form: str) -> None:
    track = lists.music.put("Ä b.flac", song(1))
    await lists.music.crawl()
    path = lists.music.folder / "Ä b.flac"
    contents: dict[str, tuple[str, str | bytes]] = {
        "m3u": ("a.m3u", f"{path}\n"),
        "windows": ("a.m3u", "D:\\Somebody's Music\\Music\\Ä B.flac\r\n".encode("cp1252")),
        "pls": ("a.pls", "[playlist]\nFile1=music/Ä b.flac\n"),
        "xspf": (
            "a.xspf",
            f"<playlist><trackList><track><location>{path.as_uri()}</location></track></trackList></playlist>",
        ),
        "jspf": ("a.jspf", json.dumps({"playlist": {"track": [{"location": ["music/%C3%84%20b.flac"]}]}})),
        "csv": ("a.csv", f"Path\n{path}\n"),
    }
    name, content = contents[form]
    await lists.crawl(name, content)
    assert await lists.tracks(name) == [track]


async def test_the_paths_of_another_machine(lists: Lists, song: Callable[[int], bytes]) -> None:
    track = lists.music.put("Sub/A/a.flac", song(1))
    await lists.music.crawl()
    content = "E:\\Alben\\A\\a.flac\n"
    await lists.crawl("a.m3u8", content)
    assert await lists.tracks("a.m3u8") == []
    await lists.crawl("a.m3u8", content, PathPrefix("e:/alben", str(lists.music.folder / "Sub")))
    assert await lists.tracks("a.m3u8") == [track]


async def test_files_that_nobody_has_read_are_crawled(lists: Lists, song: Callable[[int], bytes]) -> None:
    known = lists.music.put("known.flac", song(1))
    lists.music.put("text.txt", b"no music")
    await lists.music.crawl()
    lists.music.put("sub/unread.flac", song(2))
    for name, content in (("near.flac", song(3)), ("cover.jpg", b"no music")):
        await asyncio.to_thread((lists.folder / name).write_bytes, content)
    content = "near.flac\nmusic/known.flac\ncover.jpg\nmusic/sub/unread.flac\nlater.flac\n"
    crawl = await lists.crawl("new.m3u8", content)
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 2
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED][NOT_THERE] == 1
    assert "other files" in lists.progress.outcomes["cover.jpg"].reason
    crawl = await lists.crawl("known.m3u8", "music/text.txt\n")
    assert [*crawl.stats.by_reason[OutcomeStatus.SKIPPED]] == ["no file that is analysed (other files)"]
    near, second, unread = await lists.tracks("new.m3u8")
    assert second == known
    # What lies in a library has a location from now on.
    assert {row.urn for row in await lists.music.rows() if row.urn} == {known.urn, unread.urn}
    # What was not there is looked for again, although the list has not changed.
    await asyncio.to_thread((lists.folder / "later.flac").write_bytes, song(4))
    crawl = await lists.crawl("new.m3u8", content)
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 1
    assert (await lists.tracks("new.m3u8"))[:3] == [near, known, unread]
    assert len(await lists.tracks("new.m3u8")) == 4


async def test_a_list_from_elsewhere_makes_us_read_nothing_elsewhere(
    lists: Lists, song: Callable[[int], bytes], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    folder = lists.folder / "downloads"
    for each in (secret, folder):
        each.mkdir()
    await asyncio.to_thread((secret / "a.flac").write_bytes, song(1))
    (folder / "link.flac").symlink_to(secret / "a.flac")
    content = f"{secret}/a.flac\n../secret/a.flac\nlink.flac\nfile://{secret}/a.flac\n"
    lists.folder = folder
    crawl = await lists.crawl("evil.m3u8", content)
    assert await lists.tracks("evil.m3u8") == []
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {OUTSIDE: 3, NOT_THERE: 1}
    assert await lists.music.pool.fetchval("SELECT count(*) FROM tracks") == 0


async def test_tracks_of_the_catalogue_need_no_service_and_keep_their_names(
    lists: Lists, song: Callable[[int], bytes]
) -> None:
    file = lists.music.put("a.flac", song(1))
    await lists.music.crawl()
    pool = lists.music.pool
    deezer = Track(TrackId("deezer", "7"), "Song", ("One", "Two"), album="Album", link="https://www.deezer.com/track/7")
    cloud = Track(TrackId("soundcloud", "8"), "Tune", ("Three",), link="https://soundcloud.com/three/tune")
    for track in (deezer, cloud):
        await tracks.upsert(pool, track)
        await pool.execute("UPDATE tracks SET state = 'queued' WHERE urn = $1", track.id.urn)
    expected = [file, deezer.id, cloud.id]
    answer = "\n".join(
        [
            *("#EXTM3U", f"#SOUNDALIKE:{file}", "#EXTINF:1,a", "/elsewhere/now/b.flac"),
            *("#EXTINF:-1,One, Two - Song", deezer.link or "", "#EXTINF:-1,Three - Tune", cloud.link or ""),
            *("#EXTINF:1,a", file.urn, f"file:track:{'0' * 64}"),
        ]
    )
    crawl = await lists.crawl("answer.m3u8", answer)
    assert await lists.tracks("answer.m3u8") == [*expected, file]
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {"already queued": 4, UNKNOWN_TRACK: 1}
    stored = await tracks.get(pool, deezer.id)
    assert stored is not None
    assert stored.track == deezer


async def test_a_track_whose_file_is_gone_stays_in_the_list_and_is_named(
    lists: Lists, song: Callable[[int], bytes]
) -> None:
    track = lists.music.put("a.flac", song(1))
    await lists.music.crawl()
    await lists.music.pool.execute("UPDATE tracks SET state = 'gone'")
    await lists.crawl("a.m3u8", "music/a.flac\n")
    assert await lists.tracks("a.m3u8") == [track]
    assert lists.progress.outcomes["a"].detail == f"{NOT_THERE}: music/a.flac"


async def test_a_file_with_another_id_is_known_by_its_name_and_length(
    lists: Lists, song: Callable[[int], bytes]
) -> None:
    track = lists.music.put("a.flac", song(1))
    await lists.music.crawl()
    other = Track(TrackId("file", "f" * 64), "Song", ("One", "Two"), duration_ms=200_000)
    for each in (other, Track(track, "Song", ("One", "Two"), duration_ms=100_400)):
        await tracks.upsert(lists.music.pool, each)
    former = f"file:track:{'0' * 64}"
    lines = [f"#EXTINF:100,One, Two - Song\n{former}", "#EXTINF:100,One, Two - Song\ngone.flac"]
    await lists.crawl("a.m3u8", "\n".join(lines))
    assert await lists.tracks("a.m3u8") == [track, track]
    for line in (f"#EXTINF:150,One, Two - Song\n{former}", f"#EXTINF:100,One - Song (Live)\n{former}"):
        await lists.crawl("a.m3u8", line)
        assert await lists.tracks("a.m3u8") == []


async def test_an_album_with_a_cue_sheet_is_its_tracks(lists: Lists, audio: Callable[..., bytes]) -> None:
    sheet = 'FILE "album.flac" WAVE\n' + "".join(
        f'TRACK {number:02} AUDIO\nTITLE "T{number}"\nINDEX 01 00:{10 * number - 10:02}:00\n' for number in (1, 2, 3)
    )
    for folder in (lists.folder, lists.music.folder):
        await asyncio.to_thread((folder / "album.flac").write_bytes, audio(22))
        await asyncio.to_thread((folder / "album.cue").write_text, sheet)
    # Outside of libraries nothing is stored of the last track, which is too short.
    crawl = await lists.crawl("near.m3u8", "album.flac\nalbum.flac\n")
    near = await lists.tracks("near.m3u8")
    assert len(near) == 4
    assert near[:2] == near[2:]
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 2
    await lists.music.crawl()
    await lists.crawl("known.m3u8", f"music/album.flac\n#SOUNDALIKE:{near[1]}\nmusic/album.flac\n")
    assert await lists.tracks("known.m3u8") == [*near[:2], near[1]]
