from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.audio.mpeg_frames import declares_length
from soundalike.audio.sniff import AudioKind, LocatedAudio, locate, sniff, sniff_stream

if TYPE_CHECKING:
    from conftest import Encode

KINDS = {
    "wav": AudioKind.WAV,
    "aiff": AudioKind.AIFF,
    "flac": AudioKind.FLAC,
    "mp3": AudioKind.MP3,
    "ogg": AudioKind.OGG,
    "opus": AudioKind.OPUS,
    "m4a": AudioKind.M4A,
    "aac": AudioKind.AAC,
    "webm": AudioKind.WEBM,
    "mp2": AudioKind.MP2,
    "wma": AudioKind.WMA,
    "wavpack": AudioKind.WAVPACK,
    "tta": AudioKind.TTA,
    "ac3": AudioKind.AC3,
    "eac3": AudioKind.EAC3,
    "caf": AudioKind.CAF,
    "w64": AudioKind.W64,
    "au": AudioKind.AU,
    "voc": AudioKind.VOC,
    "realaudio": AudioKind.REALAUDIO,
    "dsf": AudioKind.DSF,
    "dff": AudioKind.DFF,
    "avi": AudioKind.AVI,
    "flv": AudioKind.FLV,
    "mpeg-ps": AudioKind.MPEG_PS,
    "mpeg-ts": AudioKind.MPEG_TS,
}


def id3(size: int) -> bytes:
    return b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\xff" * size


@pytest.mark.parametrize(("form", "kind"), KINDS.items())
def test_every_kind_is_recognised_by_its_content(encode: Encode, form: str, kind: AudioKind) -> None:
    data = encode(form, 6.0)
    assert sniff(data) is kind
    assert sniff(data[:4096]) is kind
    assert sniff_stream(io.BytesIO(data)) is kind


@pytest.mark.parametrize("form", ["mp3", "mp2", "flac", "aac", "ac3", "wavpack"])
def test_what_stands_behind_a_tag_decides(encode: Encode, form: str) -> None:
    data = id3(70_000) + encode(form, 6.0)
    assert sniff(data) is KINDS[form]
    assert sniff_stream(io.BytesIO(data)) is KINDS[form]


def test_an_mp3_behind_zeros_is_found(encode: Encode) -> None:
    assert sniff(bytes(1000) + encode("mp3", 6.0)) is AudioKind.MP3


def picture(size: int) -> bytes:
    """What a camera or a shop puts into a tag: no zeros, and now and then what looks like the head of a frame."""
    return np.random.default_rng(5).bytes(size)


def id3_that_claims(size: int, true_size: int) -> bytes:
    return id3(size)[:10] + picture(true_size)


FRONTS = {
    "junk": picture(70_000),
    "junk for megabytes": picture(3 << 20),
    "a tag that says it is longer than the file": id3_that_claims(100 << 20, 300),
    "a tag that says it is longer than the file, with a picture": id3_that_claims(200 << 20, 1 << 20),
    "a tag that says it is shorter than it is": id3_that_claims(100, 150_000),
    "tags behind tags": id3(100) + id3(70_000) + b"APETAGEX" + bytes([208, 7, 0, 0]) + bytes([40, 0, 0, 0]) + bytes(56),
    "a tag with a picture of 20 MB": id3(20 << 20),
    "zeros for megabytes": bytes(3 << 20),
    "bytes of ones": b"\xff" * (1 << 20),
    "a tag and zeros": id3(100) + bytes(100_000),
}
MPEG_HEADS = {
    "mp3": b"\xff\xfb",
    "mp2": b"\xff\xfd",
    "aac": b"\xff\xf1",
    "flac": b"fLaC",
    "ogg": b"OggS",
    "wav": b"RIFF",
}


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("form", MPEG_HEADS)
def test_audio_far_behind_its_front_is_found(encode: Encode, form: str, front: str) -> None:
    data = encode(form, 6.0)
    data = data[data.index(MPEG_HEADS[form]) :]
    located = locate(io.BytesIO(FRONTS[front] + data))
    assert located == LocatedAudio(KINDS[form], len(FRONTS[front]))


def test_only_a_file_that_is_called_like_audio_is_searched_far(encode: Encode) -> None:
    stream = io.BytesIO(picture(200_000) + encode("aac", 6.0))
    assert locate(stream, far=False) is None
    assert locate(stream) is not None


def test_the_search_ends_where_a_file_consists_of_heads_without_frames() -> None:
    stream = io.BytesIO(b"\xff\xfb\x90\xc4" * (8 << 20))
    start = time.process_time()
    assert locate(stream) is None
    assert time.process_time() - start < 10


def test_a_head_that_ends_within_its_tag_counts_as_mp3() -> None:
    assert sniff(id3(70_000)[:4096]) is AudioKind.MP3


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"ID3",
        b"\xff\xfb",
        b"RIFF\x00\x00\x00\x00ACON",
        b"%PDF-1.7 ...",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        b"<!doctype html><title>404</title>",
        b"#EXTM3U\nhttp://127.0.0.1/secret\n",
        bytes(5000),
        b"\xff" * 5000,
        b"\x00\x00\x00\x18ftypheic" + bytes(200),
        b"\x00\x00\x00\x18ftypavif" + bytes(200),
    ],
)
def test_junk_is_not_audio(junk: bytes) -> None:
    assert sniff(junk) is None


def test_noise_is_not_audio() -> None:
    noise = np.random.default_rng(0)
    assert [sniff(noise.bytes(4096)) for _ in range(200)] == [None] * 200


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    sniff(data)
    sniff(b"ID3" + data)
    sniff(b"\xff\xfb\x90\x64" + data)
    sniff(b"\xff\xf1" + data)


def test_an_mp3_says_whether_it_knows_its_length(encode: Encode) -> None:
    data = encode("mp3", 6.0)
    data = data[data.index(b"\xff\xfb") :]
    assert declares_length(io.BytesIO(data))
    mark = next(data.index(mark) for mark in (b"Xing", b"Info") if mark in data[:64])
    assert not declares_length(io.BytesIO(data[: mark + 7] + b"\x0e" + data[mark + 8 :]))
    assert not declares_length(io.BytesIO(data[data.index(b"\xff\xfb", 10) :]))


@pytest.mark.parametrize("front", [b"PK\x03\x04", b"RIFF\x00\x00\x00\x00RMP3", b"Rar!\x1a\x07", b"%PDF-1.7"])
def test_a_container_with_an_mp3_inside_is_none(encode: Encode, front: bytes) -> None:
    assert sniff(front + bytes(200) + encode("mp3", 6.0)) is None


@pytest.mark.parametrize(("front", "kind"), [(b"RIFF\x00\x00\x00\x00AVI ", AudioKind.AVI), (b"FLV\x01", AudioKind.FLV)])
def test_a_video_with_an_mp3_inside_is_no_mp3(encode: Encode, front: bytes, kind: AudioKind) -> None:
    assert sniff(front + bytes(200) + encode("mp3", 6.0)) is kind


def test_extensions_and_types_are_those_of_the_web() -> None:
    assert (AudioKind.MP3.extension, AudioKind.MP3.mime_type) == ("mp3", "audio/mpeg")
    assert len({kind.extension for kind in AudioKind}) == len(AudioKind)
