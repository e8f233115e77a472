"""Small files that claim, or hold, far more than is ever decoded: refused or decoded in little memory and time."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import soundfile

from soundalike.audio.decode import decode
from soundalike.audio.errors import NotAudio, Silent, TooDemanding, TooShort, Truncated, Undecodable
from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE
from soundalike.audio.excerpt_selection import select
from soundalike.audio.ffmpeg import open_by_ffmpeg
from soundalike.audio.isolate import IsolatedDecoder
from soundalike.audio.libsndfile import open_by_sndfile
from soundalike.audio.sniff import AudioKind

from . import tiny_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Encode

    from soundalike.audio.pcm_file import Opener

MEMORY = 256 << 20


@pytest.fixture(scope="module")
def bounded() -> Iterator[IsolatedDecoder]:
    with IsolatedDecoder(timeout_s=20, memory_bytes=MEMORY) as decoder:
        yield decoder


def patched(data: bytes, place: int, number: float, form: str = "<I") -> bytes:
    content = bytearray(data)
    struct.pack_into(form, content, place, number)
    return bytes(content)


def flac_of_many_samples(data: bytes) -> bytes:
    return data[:21] + bytes([data[21] | 0x0F]) + b"\xff" * 4 + data[26:]


def flac_of_large_blocks_and_high_rate(data: bytes) -> bytes:
    # 20 bits of rate, 3 of channels, 5 of depth, 36 of length (RFC 9639, section 8.2).
    return data[:18] + (655_350 << 44 | 7 << 41 | 23 << 36 | 10**10).to_bytes(8, "big") + data[26:]


def wav_of_many_frames(data: bytes) -> bytes:
    return patched(patched(data, 4, 0x7FF0_0000), data.index(b"data") + 4, 0x7FEF_0000)


def rf64_of_many_frames(data: bytes) -> bytes:
    at = data.index(b"data")
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 10**15, 10**15, 10**15, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + sizes + data[12 : at + 4] + b"\xff" * 4 + data[at + 8 :]


def mp3_of_many_frames(data: bytes) -> bytes:
    mark = next(data.index(mark) for mark in (b"Xing", b"Info") if mark in data[:4096])
    return patched(data, mark + 8, 0x7FFF_FFFF, ">I")


def ogg_of_many_frames(data: bytes) -> bytes:
    at = data.rindex(b"OggS")
    page = patched(patched(data[at:], 6, 10**15, "<Q"), 22, 0)
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x104C11DB7 if checksum >> 31 else 0)) & 0xFFFF_FFFF
    return data[:at] + patched(page, 22, checksum)


def m4a_of_many_samples(data: bytes) -> bytes:
    at = data.index(b"stsz")
    return patched(patched(data, at + 8, 1, ">I"), at + 12, 0x7FFF_FFFF, ">I")


def m4a_of_a_huge_table(data: bytes) -> bytes:
    return patched(data, data.index(b"stts") + 8, 0x0FFF_FFFF, ">I")


def m4a_of_a_huge_box(data: bytes) -> bytes:
    return patched(data, data.index(b"moov") - 4, 0x7FFF_FFFF, ">I")


def webm_of_a_huge_element(data: bytes) -> bytes:
    at = data.index(b"\x15\x49\xa9\x66")
    return data[: at + 4] + b"\x01\x00\x00\xff\xff\xff\xff\xff" + data[at + 12 :]


CLAIMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "samples of flac": ("flac", flac_of_many_samples),
    "rate and channels of flac": ("flac", flac_of_large_blocks_and_high_rate),
    "frames of wav": ("wav", wav_of_many_frames),
    "frames of mp3": ("mp3", mp3_of_many_frames),
    "frames of ogg": ("ogg", ogg_of_many_frames),
    "frames of opus": ("opus", ogg_of_many_frames),
    "samples of m4a": ("m4a", m4a_of_many_samples),
    "a table of m4a": ("m4a", m4a_of_a_huge_table),
}
HARMLESS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "frames of rf64": ("wav", rf64_of_many_frames),
    "a box of m4a": ("m4a", m4a_of_a_huge_box),
    "an element of webm": ("webm", webm_of_a_huge_element),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_false_claims_are_refused(bounded: IsolatedDecoder, encode: Encode, claim: str) -> None:
    form, exaggerate = CLAIMS[claim]
    data = exaggerate(encode(form, 12.0))
    with pytest.raises((Truncated, Undecodable, TooDemanding)):
        bounded.decode(data)
    assert bounded.decode(encode("wav", 12.0)).seconds == 12


@pytest.mark.parametrize("claim", HARMLESS)
def test_claims_that_no_reader_believes_are_ignored(bounded: IsolatedDecoder, encode: Encode, claim: str) -> None:
    form, exaggerate = HARMLESS[claim]
    assert bounded.decode(exaggerate(encode(form, 12.0))).seconds == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize(
    "claim", ["samples of flac", "frames of wav", "frames of mp3", "frames of ogg", "frames of opus"]
)
def test_what_declares_hours_and_holds_seconds_is_truncated(encode: Encode, claim: str) -> None:
    form, exaggerate = CLAIMS[claim]
    with pytest.raises(Truncated, match="declares"):
        decode(exaggerate(encode(form, 12.0)))


class CountedBytes(io.BytesIO):
    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.count += len(content)
        return content

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        count = super().readinto(buffer)
        self.count += count
        return count


def hours(form: str) -> bytes:
    """A tone of two hours."""
    rate, buffer = 8_000, io.BytesIO()
    tone = (0.3 * np.sin(np.arange(rate * 60) * 0.3)).astype(np.float32)
    if form == "flac":
        with soundfile.SoundFile(buffer, "w", rate, 1, format="FLAC", subtype="PCM_S8") as file:
            for _ in range(120):
                file.write(tone)
        return buffer.getvalue()
    # The frames of one minute, again and again: they need nothing of each other but the reservoir of bits.
    container, codec = ("adts", "aac") if form == "aac" else ("mp3", "libmp3lame")
    with av.open(
        buffer, "w", format=container, options={} if form == "aac" else {"write_xing": "0", "id3v2_version": "0"}
    ) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.layout, stream.bit_rate = "mono", 16_000
        frame = av.AudioFrame.from_ndarray(tone[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        for piece in [*av.AudioResampler(format=stream.format.name, layout="mono", rate=rate).resample(frame), None]:
            file.mux(stream.encode(piece))
    return buffer.getvalue() * 120


@pytest.mark.parametrize(
    ("form", "kind", "open_file"),
    [
        ("flac", AudioKind.FLAC, open_by_sndfile),
        ("flac", AudioKind.FLAC, open_by_ffmpeg),
        ("mp3", AudioKind.MP3, open_by_ffmpeg),
        ("aac", AudioKind.AAC, open_by_ffmpeg),
    ],
)
def test_of_hours_only_the_excerpts_are_read(form: str, kind: AudioKind, open_file: Opener) -> None:
    data = hours(form)
    stream = CountedBytes(data)
    with open_file(stream, kind) as file:
        pcm = select(file, DEFAULT_RULE)
    assert pcm.seconds_total == pytest.approx(7200, rel=0.01)
    assert [len(frames) for frames in pcm.excerpts] == 3 * [30 * pcm.rate]
    assert stream.count < len(data) / 4


def test_hours_of_nothing_in_a_few_kilobytes_are_silent(bounded: IsolatedDecoder) -> None:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 8_000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(100):
            file.write(np.zeros(8_000 * 60, np.int16))
    data = buffer.getvalue()
    assert len(data) < 8_000 * 60 * 100 * 2 / 500
    with pytest.raises(Silent):
        bounded.decode(data)


@pytest.mark.parametrize("parts", tiny_frames.FILES)
def test_twelve_megabytes_of_next_to_nothing_are_refused_soon(parts: str) -> None:
    data = tiny_frames.FILES[parts]()
    # Any of them takes about a second at most (some took 16). It is refused by what it is, not by being stopped.
    with IsolatedDecoder(timeout_s=600, cpu_s=lambda _: 3.0) as decoder:
        with pytest.raises((TooDemanding, Undecodable, TooShort)) as caught:
            decoder.decode(data)
        assert "of a processor" not in str(caught.value)


def test_archives_are_not_audio(encode: Encode) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.mp3", encode("mp3", 12.0))
    for data in (buffer.getvalue(), gzip.compress(bytes(10**7))):
        with pytest.raises(NotAudio):
            decode(data)


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "ogg", "opus", "m4a", "aac", "webm"])
def test_six_seconds_are_too_short_and_seven_are_not(encode: Encode, form: str) -> None:
    with pytest.raises(TooShort, match=r"6\.\d s long; at least 7 s"):
        decode(encode(form, 6.0))
    assert decode(encode(form, 7.05)).seconds == pytest.approx(7.05, abs=0.2)


@pytest.mark.parametrize("value", [1e12, 3e38])
def test_numbers_far_beyond_any_loudness_are_refused(encode: Encode, value: float) -> None:
    frames = np.full((44_100 * 8, 2), 0.1, np.float32)
    frames[44_100:50_000] = value
    with pytest.raises(Undecodable, match="loudness"):
        decode(encode("wav-float", frames=frames))


def test_integers_stored_as_floats_are_decoded(encode: Encode) -> None:
    wave = np.sin(np.arange(44_100 * 8) / 30)[:, np.newaxis].repeat(2, axis=1).astype(np.float32)
    data = encode("wav-float", frames=wave * np.float32(2**23))
    assert decode(data).samples.shape == (8 * RATE,)


def wavpack_of_a_day(encode: Encode) -> bytes:
    return patched(encode("wavpack", 10.0), 12, 0xFFFF_FFFE)


def tta_of_a_day(encode: Encode) -> bytes:
    return patched(encode("tta", 10.0), 14, 0xFFFF_FFFF)


def dsf_of_a_high_rate(encode: Encode) -> bytes:
    data = encode("dsf", 10.0)
    return patched(data, data.index(b"fmt ") + 28, 0x7FFF_FFFF)


def dsf_of_large_blocks(encode: Encode) -> bytes:
    data = encode("dsf", 10.0)
    return patched(data, data.index(b"fmt ") + 44, 0x7FFF_FFFF)


def caf_of_a_high_rate(encode: Encode) -> bytes:
    return patched(encode("caf", 10.0), 20, 1e300, ">d")


def caf_of_many_packets(encode: Encode) -> bytes:
    data = encode("caf-alac", 10.0)
    return patched(data, data.index(b"pakt") + 12, 1 << 40, ">Q")


def au_of_many_channels(encode: Encode) -> bytes:
    return patched(encode("au", 10.0), 20, 0xFFFF, ">I")


def ape_of_many_frames(_: Encode) -> bytes:
    """Monkey's Audio 3.99: descriptor and header, which declares 268 million frames."""
    descriptor = struct.pack("<4sHHIIIIIII", b"MAC ", 3990, 0, 52, 24, 0x0FFF_FFFF, 0, 0x0FFF_FFFF, 0, 0) + bytes(16)
    return descriptor + struct.pack("<HHIIIHHI", 2000, 0, 294_912, 1, 0x0FFF_FFFF, 16, 2, 44_100) + bytes(5_000)


def mp1_of_tiny_frames(_: Encode) -> bytes:
    return (b"\xff\xff\x14\xc0" + bytes(28)) * 300_000


def avi_of_lists(_: Encode) -> bytes:
    return b"RIFF\0\0\0\0AVI " + b"LIST\x04\0\0\0hdrl" * 300_000


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (wavpack_of_a_day, Truncated),
        (tta_of_a_day, Undecodable),
        (dsf_of_a_high_rate, Undecodable),
        (dsf_of_large_blocks, Undecodable),
        (caf_of_a_high_rate, Undecodable),
        (caf_of_many_packets, Undecodable),
        (au_of_many_channels, Undecodable),
        (ape_of_many_frames, Undecodable),
        (mp1_of_tiny_frames, TooDemanding),
        (avi_of_lists, Undecodable),
    ],
)
def test_what_less_usual_formats_declare_takes_no_memory(
    bounded: IsolatedDecoder, encode: Encode, make: Callable[[Encode], bytes], error: type[Exception]
) -> None:
    with pytest.raises(error):
        bounded.decode(make(encode))
