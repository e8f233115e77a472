"""The samples of WAV and AIFF, with a line that says what they are.

The line names codec, rate and channels as FFmpeg does, so the same samples have the same identity in every container
that stores them in the same order of bytes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from soundalike.audio.coded_audio.chunks import IFF, RIFF, content
from soundalike.audio.coded_audio.mpeg import add_mp3
from soundalike.audio.coded_audio.tails import without_tails
from soundalike.audio.errors import Undecodable
from soundalike.audio.substream import size
from soundalike.audio.wav_header import mpeg_frames, repair_length

if TYPE_CHECKING:
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload

_MAX_FORMAT_BYTES: Final = 1 << 10
_EXTENSIBLE: Final = 0xFFFE
_UNKNOWN_LENGTH: Final = 0xFFFF_FFFF

_WAV_CODECS: Final = {
    (1, 1): "pcm_u8", (1, 2): "pcm_s16le", (1, 3): "pcm_s24le", (1, 4): "pcm_s32le", (3, 4): "pcm_f32le",
    (3, 8): "pcm_f64le", (6, 1): "pcm_alaw", (7, 1): "pcm_mulaw",
}  # fmt: skip
# ADPCM of Microsoft, IMA and Yamaha: the bytes of a channel in a block that come before its samples of four bits, and
# the samples among these bytes.
_ADPCM_HEADS: Final = {0x02: (7, 2), 0x11: (4, 1), 0x20: (0, 0)}
_AIFF_INTEGERS: Final = {
    (b"NONE", 1): "pcm_s8", (b"NONE", 2): "pcm_s16be", (b"NONE", 3): "pcm_s24be", (b"NONE", 4): "pcm_s32be",
    (b"sowt", 1): "pcm_s8", (b"sowt", 2): "pcm_s16le", (b"sowt", 3): "pcm_s24le", (b"sowt", 4): "pcm_s32le",
}  # fmt: skip
_AIFF_CODECS: Final = {
    b"fl32": "pcm_f32be", b"fl64": "pcm_f64be", b"alaw": "pcm_alaw", b"ulaw": "pcm_mulaw", b"raw ": "pcm_u8",
    b"in24": "pcm_s24be", b"in32": "pcm_s32be", b"42ni": "pcm_s24le", b"23ni": "pcm_s32le",
}  # fmt: skip
_SAME_CODEC: Final = {b"twos": b"NONE", b"none": b"NONE", b"FL32": b"fl32", b"FL64": b"fl64", b"ALAW": b"alaw",
                      b"ULAW": b"ulaw"}  # fmt: skip


def add_wav(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the samples of a WAV (RIFF or RF64), or the frames of an MP3 in one; return their duration in seconds.

    Data of an unknown length, or cut off, end at the end of the file, before the tags there. Raises `Undecodable`.
    """
    if frames := mpeg_frames(stream):
        return add_mp3(frames, payload)
    repaired = repair_length(stream)
    end = size(stream)
    form, long_length = b"", None
    for chunk in RIFF.chunks(repaired, 12, end):
        if chunk.name == b"ds64":
            long_length = int.from_bytes(content(repaired, chunk, 16)[8:], "little")
        elif chunk.name == b"fmt ":
            form = content(repaired, chunk, _MAX_FORMAT_BYTES)
        elif chunk.name == b"data":
            length = long_length if chunk.length == _UNKNOWN_LENGTH and long_length else chunk.length
            is_known = repaired is stream and chunk.start + length <= end
            stop = chunk.start + length if is_known else without_tails(stream, chunk.start, end)
            return _add_data(stream, payload, form, chunk.start, stop)
    raise Undecodable("it has no data")


def _add_data(stream: BinaryIO, payload: Payload, form: bytes, start: int, stop: int) -> float | None:
    if len(form) < 16:
        raise Undecodable("it does not say what its data are")
    tag, channels, rate, bytes_per_second, frame_bytes, _ = struct.unpack("<HHIIHH", form[:16])
    if tag == _EXTENSIBLE and len(form) >= 26:
        tag = int.from_bytes(form[24:26], "little")
    codec = _WAV_CODECS.get((tag, frame_bytes // channels)) if channels else None
    payload.describe(f"{codec} {rate} {channels}" if codec else f"wav {tag} {form.hex()}")
    payload.add_range(stream, start, stop)
    if codec:
        return (stop - start) // frame_bytes / rate if rate else None
    if tag in _ADPCM_HEADS and channels and rate and frame_bytes >= channels:
        # How many bytes a second are, programs estimate for this.
        blocks, rest = divmod(stop - start, frame_bytes)
        frames = blocks * _adpcm_frames(tag, frame_bytes // channels) + _adpcm_frames(tag, rest // channels)
        return float(frames / rate)
    return (stop - start) / bytes_per_second if bytes_per_second else None


def _adpcm_frames(tag: int, channel_bytes: int) -> int:
    head_bytes, head_frames = _ADPCM_HEADS[tag]
    return head_frames + 2 * (channel_bytes - head_bytes) if channel_bytes > head_bytes else 0


def add_aiff(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the samples of an AIFF or AIFF-C, and return their duration in seconds; raises `Undecodable`."""
    end = size(stream)
    form, data = b"", range(0)
    for chunk in IFF.chunks(stream, 12, end):
        if chunk.name == b"COMM":
            form = content(stream, chunk, _MAX_FORMAT_BYTES)
        elif chunk.name == b"SSND":
            # Offset and block size come first. A length of nothing was written before it was known.
            offset = int.from_bytes(content(stream, chunk, 4), "big")
            is_known = chunk.length > 8 and chunk.start + chunk.length <= end
            stop = chunk.start + chunk.length if is_known else without_tails(stream, chunk.start, end)
            data = range(chunk.start + 8 + offset, stop)
    if len(form) < 18 or not data:
        raise Undecodable("it has no data, or does not say what they are")
    channels, _, bits = struct.unpack(">hIh", form[:8])
    rate = _extended(form[8:18])
    codec = _aiff_codec(form[18:22] or b"NONE", (bits + 7) // 8)
    payload.describe(f"{codec} {rate:g} {channels}" if codec else f"aiff {form.hex()}")
    payload.add_range(stream, data.start, data.stop)
    frame_bytes = channels * ((bits + 7) // 8)
    return len(data) // frame_bytes / rate if codec and frame_bytes > 0 and rate > 0 else None


def _aiff_codec(compression: bytes, sample_bytes: int) -> str | None:
    name = _SAME_CODEC.get(compression, compression)
    return _AIFF_INTEGERS.get((name, sample_bytes)) or _AIFF_CODECS.get(name)


def _extended(value: bytes) -> float:
    """Return a floating point number of 80 bits."""
    exponent = (value[0] & 0x7F) << 8 | value[1]
    return float(int.from_bytes(value[2:], "big")) * 2.0 ** (exponent - 16_383 - 63)
