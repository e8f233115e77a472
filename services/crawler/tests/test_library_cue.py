"""Albums in one file are the tracks that their cue sheet names."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC

from soundalike.audio.coded_audio.identity import identify
from soundalike.audio.decode import decode
from soundalike.crawler.library import cue_albums
from soundalike.crawler.library.cue_albums import (
    CUT,
    SHEET,
    SHEET_WITHOUT_FILE,
    SHORT_TRACK,
    UNFIT,
    UNUSABLE_SHEET,
)
from soundalike.crawler.library.scan_record import GONE, UNCHANGED
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import tracks
from soundalike.db.tracks import State
from soundalike.domain.file_identity import file_id, segment_id
from soundalike.storage.object_keys import preview_key

from .library_scene import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.library.file_reader import FileReader
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId

RATE = 12_000
HERTZ = (400, 800, 1600)
SHEET_TEXT = """PERFORMER "Cue Band"
TITLE "Cue Album"
FILE "{file}" WAVE
  TRACK 01 AUDIO
    TITLE "One"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Two"
    PERFORMER "Guest"
    ISRC GBAYE0601498
    INDEX 00 00:09:00
    INDEX 01 00:10:00
  TRACK 03 AUDIO
    INDEX 01 {third}
"""


def album_of(form: str = "FLAC", seconds: float = 10, hertz: tuple[float, ...] = HERTZ) -> bytes:
    """Encode tones, one after the other."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.concatenate([0.3 * np.sin(2 * np.pi * each * time) for each in hertz])
    target = io.BytesIO()
    soundfile.write(target, sound, RATE, format=form)
    return target.getvalue()


def sheet(file: str = "album.flac", third: str = "00:20:00") -> bytes:
    return SHEET_TEXT.format(file=file, third=third).encode()


def segments_of(content: bytes, *parts: tuple[int, int]) -> list[TrackId]:
    digest = identify(io.BytesIO(content)).digest
    return [segment_id(digest, start, end) for start, end in parts]


@pytest.fixture(scope="module")
def album() -> bytes:
    return album_of()


@pytest.fixture
def library(tmp_path: Path, pool: Pool, clip_encoders: ClipEncoderPool, file_reader: FileReader) -> Library:
    folder = tmp_path / "music"
    folder.mkdir()
    return Library(folder, pool, clip_encoders, file_reader)


async def state(library: Library, track: TrackId) -> State:
    stored = await tracks.get(library.pool, track)
    assert stored is not None
    return stored.state


async def test_every_track_of_the_sheet_is_a_track_with_its_own_sound(library: Library, album: bytes) -> None:
    library.put("album.flac", album)
    library.put("album.cue", sheet())
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == crawl.stats.finished == 3
    assert crawl.stats.ignored == {SHEET: 1, CUT: 1}
    ids = segments_of(album, (0, 10_000), (10_000, 20_000), (20_000, 30_000))
    names: list[Any] = []
    for track, hertz in zip(ids, HERTZ, strict=True):
        stored = await tracks.get(library.pool, track)
        assert stored is not None
        names.append((stored.track.title, stored.track.artists, stored.track.album, stored.track.isrc))
        assert stored.track.duration_ms == 10_000
        heard = decode(library.store.objects[preview_key(track, "wav")][0]).samples
        peak = np.argmax(np.abs(np.fft.rfft(heard))) * RATE / len(heard)
        assert peak == pytest.approx(hertz, abs=1)
    assert names == [
        ("One", ("Cue Band",), "Cue Album", None),
        ("Two", ("Guest",), "Cue Album", "GBAYE0601498"),
        ("Track 3", ("Cue Band",), "Cue Album", None),
    ]
    assert [row.segment for row in await library.rows()] == ["", "", "0-10000", "10000-20000", "20000-30000"]
    again = await library.crawl()
    assert again.stats.ignored == {SHEET: 1, CUT: 1}
    assert again.stats.changes == {UNCHANGED: 2}
    assert again.stats.count(OutcomeStatus.SKIPPED) == 3


@pytest.mark.parametrize(
    ("file", "sheet_name", "named"),
    [
        ("album.flac", "album.cue", "album.wav"),
        ("album.flac", "album.cue", "ALBUM.FLAC"),
        ("album.flac", "album.cue", "C:\\rips\\album.flac"),
        ("Band - Album.flac", "Band - Album.CUE", "CDImage.wav"),
        ("Band - Album.flac", "Band - Album.flac.cue", "CDImage.wav"),
        ("zz.flac", "aa.cue", "zz.flac"),
        ("aa.flac", "zz.cue", "aa.flac"),
        ("caf\u00e9.flac", "x.cue", "cafe\u0301.flac"),
    ],
)
async def test_the_file_is_known_although_it_is_called_a_little_otherwise(
    library: Library, album: bytes, file: str, sheet_name: str, named: str
) -> None:
    library.put(file, album)
    library.put(sheet_name, sheet(named))
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == crawl.stats.finished == 3


async def test_a_sheet_for_files_that_are_tracks_already_adds_nothing(library: Library) -> None:
    songs = [library.put(f"{number}.flac", album_of(hertz=(hertz,))) for number, hertz in enumerate(HERTZ, 1)]
    lines = [
        f'FILE "{n}.wav" WAVE\n TRACK {n:02} AUDIO\n  TITLE "{n}"\n  INDEX 01 00:00:00'
        for n in range(1, len(songs) + 1)
    ]
    library.put("album.cue", "\n".join(lines).encode())
    crawl = await library.crawl()
    assert crawl.stats.ignored == {SHEET: 1}
    assert [await state(library, song) for song in songs] == [State.QUEUED] * 3


async def test_what_cannot_be_cut_is_told(library: Library, album: bytes) -> None:
    whole = library.put("album.flac", album)
    library.put("album.cue", sheet(third="00:31:00"))
    library.put("missing/away.cue", sheet("away.flac"))
    library.put("broken/broken.cue", b"no sheet")
    os.mkfifo(library.folder / "pipe.cue")
    crawl = await library.crawl()
    assert crawl.stats.ignored == {SHEET: 1, UNFIT: 1, SHEET_WITHOUT_FILE: 1, UNUSABLE_SHEET: 1, "other files": 1}
    assert await state(library, whole) is State.QUEUED
    assert (await library.crawl()).stats.ignored == crawl.stats.ignored


async def test_tracks_that_are_too_short_are_counted(library: Library, album: bytes) -> None:
    library.put("album.flac", album)
    library.put("album.cue", sheet(third="00:25:00"))
    crawl = await library.crawl()
    assert crawl.stats.finished == 2
    assert crawl.stats.ignored == {SHEET: 1, CUT: 1, SHORT_TRACK: 1}
    assert (await library.crawl()).stats.ignored == crawl.stats.ignored


async def test_a_sheet_that_comes_later_changes_or_goes_is_followed(library: Library, album: bytes) -> None:
    whole = library.put("album.flac", album)
    await library.crawl()
    library.put("album.cue", sheet())
    crawl = await library.crawl()
    first, second, third = segments_of(album, (0, 10_000), (10_000, 20_000), (20_000, 30_000))
    assert await state(library, whole) is State.GONE
    assert [await state(library, each) for each in (first, second, third)] == [State.QUEUED] * 3
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 3

    library.put("album.cue", sheet(third="00:19:00"))
    await library.crawl()
    other_second, other_third = segments_of(album, (10_000, 19_000), (19_000, 30_000))
    assert [await state(library, each) for each in (first, second, third)] == [State.QUEUED, State.GONE, State.GONE]
    assert [await state(library, each) for each in (other_second, other_third)] == [State.QUEUED] * 2

    (library.folder / "album.cue").unlink()
    crawl = await library.crawl()
    assert await state(library, whole) is not State.GONE
    assert [await state(library, each) for each in (first, other_second, other_third)] == [State.GONE] * 3
    assert crawl.stats.ignored == {}
    assert GONE not in crawl.stats.changes


async def test_a_folder_that_moves_keeps_its_tracks(library: Library, album: bytes) -> None:
    library.put("old/album.flac", album)
    library.put("old/album.cue", sheet())
    await library.crawl()
    (library.folder / "old").rename(library.folder / "new")
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.SKIPPED) == crawl.stats.finished == 3
    paths = {row.path for row in await library.rows() if row.urn and not row.is_gone}
    assert paths == {b"new/album.flac"}
    assert [await state(library, each) for each in segments_of(album, (0, 10_000), (20_000, 30_000))] == [
        State.QUEUED
    ] * 2


async def test_a_sheet_in_the_tags_cuts_too_unless_it_is_that_of_the_whole_album(library: Library) -> None:
    def tagged(content: bytes) -> bytes:
        stream = io.BytesIO(content)
        file = FLAC(stream)
        file["cuesheet"] = sheet().decode()
        stream.seek(0)
        file.save(stream)
        return stream.getvalue()

    library.put("album.flac", tagged(album_of()))
    song = library.put("second song.flac", tagged(album_of(hertz=(700,))))
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == crawl.stats.finished == 4
    assert crawl.stats.ignored == {CUT: 1}
    assert await state(library, song) is State.QUEUED


async def test_sheets_are_read_once_for_a_folder(
    library: Library, audio: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    parse = cue_albums.parse
    monkeypatch.setattr(cue_albums, "parse", lambda content: read.append(content) or parse(content))
    for number in range(5):
        library.put(f"{number}.flac", audio(8, hertz=300 + 50 * number))
    library.put("album.cue", sheet("0.flac"))
    await library.crawl()
    assert len(read) == 1
    assert (await library.crawl()).stats.changes == {UNCHANGED: 6}
    assert len(read) == 1


def test_the_identity_of_a_segment_is_not_that_of_its_file(album: bytes) -> None:
    digest = identify(io.BytesIO(album)).digest
    assert segment_id(digest, 0, 30_000) != file_id(digest)


async def test_an_album_that_was_one_track_by_its_former_identity_is_cut(library: Library, album: bytes) -> None:
    former = file_id(hashlib.sha256(album).hexdigest())
    await tracks.upsert(library.pool, tracks.Track(former, "album"))
    await library.pool.execute("UPDATE tracks SET identity_version = 0")
    library.put("album.flac", album)
    library.put("album.cue", sheet())
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 3
    assert await tracks.get(library.pool, former) is None
    assert await state(library, library.put("album.flac", album)) is State.GONE
