"""What a scan makes of files of many kinds: music is analysed, the rest is counted by what it is."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.other_kind import OtherKind
from soundalike.crawler.library.file_reader import FileReader
from soundalike.crawler.library.scan_record import OTHER_FILE, UNCHANGED
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import tracks
from soundalike.db.tracks import State
from soundalike.testing.films import film

from .library_scene import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.db.database import Pool


@pytest.fixture
def library(tmp_path: Path, pool: Pool, clip_encoders: ClipEncoderPool, file_reader: FileReader) -> Library:
    return Library(tmp_path, pool, clip_encoders, file_reader)


async def test_videos_and_music_without_sound_are_counted_and_not_analysed(
    library: Library, audio: Callable[..., bytes]
) -> None:
    library.put("song.flac", audio(8))
    library.put("clip.mp4", film("mp4", "aac", "mpeg4"))
    library.put("clip without a suffix", film("matroska", "flac", "mpeg4"))
    library.put("notes.mid", b"MThd\0\0\0\x06")
    library.put("cover.jpg", b"\xff\xd8\xff")
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == crawl.stats.finished == 1
    expected = {OtherKind.VIDEO.value: 2, OtherKind.MIDI.value: 1, OTHER_FILE: 1}
    assert crawl.stats.ignored == expected
    again = await library.crawl()
    assert again.stats.ignored == expected
    assert again.stats.changes == {UNCHANGED: 5}


async def test_videos_are_read_when_their_sound_is_asked_for_later(library: Library) -> None:
    clip = library.put("clip.mp4", film("mp4", "aac", "mpeg4"))
    await library.crawl()
    with FileReader(include_video=True) as reader:
        crawl = await replace(library, file_reader=reader).crawl()
        assert crawl.stats.count(OutcomeStatus.UPLOADED) == 1
        assert (await replace(library, file_reader=reader).crawl()).stats.changes == {UNCHANGED: 1}
    stored = await tracks.get(library.pool, clip)
    assert stored is not None
    assert stored.track.title == "clip"


async def test_a_file_that_is_protected_says_so(library: Library) -> None:
    content = film("mp4", "aac", "mjpeg", pictures=1)
    at = content.index(b"mp4a")
    entry = content[at - 4 : at]
    assert struct.unpack(">I", entry)[0] < 200
    bought = library.put("bought.m4p", content[:at] + b"drms" + content[at + 4 :])
    crawl = await library.crawl()
    assert crawl.stats.by_reason[OutcomeStatus.REJECTED] == {"protected by DRM": 1}
    stored = await tracks.get(library.pool, bought)
    assert stored is not None
    assert stored.state is State.REJECTED
    assert "only the program or the account" in (stored.reason or "")
