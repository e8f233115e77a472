from __future__ import annotations

import base64
import io
import struct
from typing import TYPE_CHECKING

import pytest
from mutagen.asf import ASF, ASFByteArrayAttribute
from mutagen.flac import Picture
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggvorbis import OggVorbis

from soundalike.audio.decode import decode
from soundalike.audio.sniff import sniff
from soundalike.audio.video import holds_video
from soundalike.testing.films import film

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Encode

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def holds(data: bytes) -> bool:
    kind = sniff(data)
    assert kind is not None
    return holds_video(io.BytesIO(data), kind)


FILMS = {
    "mp4": ("mp4", "aac", "mpeg4"),
    "mp4 of h264": ("mp4", "aac", "libx264"),
    "mov of a camera": ("mov", "pcm_s16le", "mjpeg"),
    "mkv": ("matroska", "flac", "mpeg4"),
    "webm": ("webm", "libopus", "libvpx"),
    "ogv": ("ogg", "libopus", "libvpx"),
    "avi": ("avi", "libmp3lame", "mpeg4"),
    "wmv": ("asf", "wmav2", "wmv2"),
    "flv": ("flv", "aac", "flv1"),
    "mpg": ("mpeg", "mp2", "mpeg1video"),
    "ts": ("mpegts", "mp2", "mpeg2video"),
    "rm": ("rm", "ac3", "rv10"),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_video_is_told_and_its_sound_can_be_decoded(name: str) -> None:
    data = film(*FILMS[name])
    assert holds(data)
    assert decode(data).seconds == pytest.approx(8, abs=0.2)


def mp4_cover(stream: io.BytesIO) -> None:
    file = MP4(stream)
    file["covr"] = [MP4Cover(PNG, MP4Cover.FORMAT_PNG)]
    stream.seek(0)
    file.save(stream)


def asf_cover(stream: io.BytesIO) -> None:
    file = ASF(stream)
    text = "image/png\0\0".encode("utf-16-le")
    file["WM/Picture"] = ASFByteArrayAttribute(struct.pack("<bi", 3, len(PNG)) + text + PNG)
    stream.seek(0)
    file.save(stream)


def vorbis_cover(stream: io.BytesIO) -> None:
    picture = Picture()
    picture.data, picture.mime, picture.type = PNG, "image/png", 3
    file = OggVorbis(stream)
    file["metadata_block_picture"] = [base64.b64encode(picture.write()).decode()]
    stream.seek(0)
    file.save(stream)


@pytest.mark.parametrize(("form", "add"), [("m4a", mp4_cover), ("wma", asf_cover), ("ogg", vorbis_cover)])
def test_a_cover_is_no_video(encode: Encode, form: str, add: Callable[[io.BytesIO], None]) -> None:
    stream = io.BytesIO(encode(form, 6.0))
    add(stream)
    assert PNG[8:40] in stream.getvalue() or form == "ogg"
    assert not holds(stream.getvalue())


@pytest.mark.parametrize(
    ("container", "pictures", "per_second"), [("mp4", 1, 25), ("mp4", 8, 1), ("matroska", 1, 25), ("matroska", 8, 1)]
)
def test_a_cover_or_a_picture_for_each_chapter_that_is_stored_as_a_track_is_no_video(
    container: str, pictures: int, per_second: int
) -> None:
    assert not holds(film(container, "aac", "mjpeg", pictures=pictures, per_second=per_second))
    assert holds(film(container, "aac", "mjpeg"))


@pytest.mark.parametrize("form", ["m4a", "3gp", "matroska", "webm", "wma", "ogg", "realaudio", "avi", "mpeg-ts", "mp3"])
def test_sound_alone_is_no_video(encode: Encode, form: str) -> None:
    assert not holds(encode(form, 6.0))


def test_what_cannot_be_opened_counts_by_what_its_container_was_made_for(encode: Encode) -> None:
    assert holds(b"RIFF\0\0\0\0AVI " + bytes(100))
    assert not holds(encode("m4a", 6.0)[:2_000])
