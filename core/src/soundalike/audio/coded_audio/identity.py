"""The identity of a file: a hash of its coded audio. docs/identity.md has the rule of every container."""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import av

from soundalike.audio.coded_audio.demuxed import add_packets, duration
from soundalike.audio.coded_audio.dsd import add_dsdiff, add_dsf
from soundalike.audio.coded_audio.elementary import add_all, add_musepack_7, add_musepack_8
from soundalike.audio.coded_audio.flac import add_flac
from soundalike.audio.coded_audio.mpeg import add_adts, add_frames, add_mp3
from soundalike.audio.coded_audio.ogg import add_ogg
from soundalike.audio.coded_audio.payload import Payload
from soundalike.audio.coded_audio.pcm import add_aiff, add_wav
from soundalike.audio.errors import AudioError
from soundalike.audio.ffmpeg_container import DEMUXERS
from soundalike.audio.mpeg_frames import Framing
from soundalike.audio.sniff import AudioKind, locate
from soundalike.audio.substream import Substream
from soundalike.audio.wav_header import repair_length
from soundalike.domain.file_identity import IDENTITY_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

MAX_DURATION_S: Final = 2_000_000
_HEAD_BYTES: Final = 64
_BUFFER_BYTES: Final = 1 << 18

_CONTAINERS: Final[tuple[tuple[bytes, Callable[[BinaryIO, Payload], float | None]], ...]] = (
    (b"fLaC", add_flac),
    (b"OggS", add_ogg),
    (b"RIFF", add_wav),
    (b"RF64", add_wav),
    (b"BW64", add_wav),
    (b"FORM", add_aiff),
    (b"DSD ", add_dsf),
    (b"FRM8", add_dsdiff),
)
_DEMUXERS: Final = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"caff", "caf"),
    (b".snd", "au"),
)
_ELEMENTARY: Final[tuple[tuple[bytes, Callable[[BinaryIO, Payload], None], str], ...]] = (
    (b"wvpk", add_all, "wv"),
    (b"TTA1", add_all, "tta"),
    (b"MAC ", add_all, "ape"),
    (b"MP+", add_musepack_7, "mpc"),
    (b"MPCK", add_musepack_8, "mpc8"),
)
_FRAMINGS: Final = {AudioKind.MP2: Framing.MP2, AudioKind.AC3: Framing.AC3, AudioKind.EAC3: Framing.AC3}
_PACKETS: Final = frozenset(
    {
        *(AudioKind.REALAUDIO, AudioKind.AVI, AudioKind.FLV, AudioKind.MPEG_PS, AudioKind.MPEG_TS),
    }
)
# What a file that is damaged brings about, from FFmpeg or in the modules here.
_DAMAGED: Final = (AudioError, av.FFmpegError, ValueError, ArithmeticError, LookupError, struct.error)


@dataclass(frozen=True, slots=True)
class CodedAudio:
    """SHA-256 of a file's coded audio (64 hexadecimal digits), its length, and the version of the rule.

    `duration_ms` is that of frames and packets, None where they do not tell. `fronts` are digests of the first bytes
    (see `Payload`), by which a copy that was cut short is known; empty where no coded audio is recognised.
    """

    digest: str
    duration_ms: int | None
    version: int = IDENTITY_VERSION
    fronts: tuple[int, ...] = ()


def identify(stream: BinaryIO) -> CodedAudio:
    """Identify the file that the seekable `stream` holds, which may be left anywhere.

    A file in which no coded audio is recognised is identified by all its bytes. Raises what reading raises.
    """
    payload = Payload()
    try:
        seconds = _collect(stream, payload)
    except av.error.MemoryError:
        raise
    except _DAMAGED:
        return identify_whole(stream)
    if not payload.size:
        return identify_whole(stream)
    return CodedAudio(payload.hexdigest(), _milliseconds(seconds), fronts=tuple(payload.fronts))


def identify_whole(stream: BinaryIO) -> CodedAudio:
    """Identify a file by all its bytes, as the rule does where it recognises no coded audio."""
    # A seek from the end drops the buffer of a stream, whose file another process may have read on meanwhile.
    end = stream.seek(0, io.SEEK_END)
    payload = Payload()
    payload.add_range(stream, 0, end)
    return CodedAudio(payload.hexdigest(), None)


def _collect(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the coded audio of a file, and return its duration in seconds where packets tell."""
    located = locate(stream)
    start = located.start if located else 0
    content = io.BufferedReader(Substream(stream, start), _BUFFER_BYTES) if start else stream
    if located and located.kind in _PACKETS:
        return add_packets(content, DEMUXERS[located.kind], payload)
    content.seek(0)
    head = content.read(_HEAD_BYTES)
    for signature, add in _CONTAINERS:
        if head.startswith(signature):
            return add(content, payload)
    for signature, demuxer in _DEMUXERS:
        if head.startswith(signature):
            return add_packets(repair_length(content) if demuxer == "w64" else content, demuxer, payload)
    for signature, add_elementary, demuxer in _ELEMENTARY:
        if head.startswith(signature):
            add_elementary(content, payload)
            return _duration_or_none(content, demuxer)
    return _collect_by_kind(content, located.kind, payload) if located else None


def _collect_by_kind(content: BinaryIO, kind: AudioKind, payload: Payload) -> float | None:
    if kind is AudioKind.M4A:
        return add_packets(content, "mov", payload)
    if kind is AudioKind.MP3:
        return add_mp3(content, payload)
    if kind is AudioKind.AAC and (seconds := add_adts(content, payload)):
        return seconds
    if framing := _FRAMINGS.get(kind):
        return add_frames(content, payload, framing)
    add_all(content, payload)
    return _duration_or_none(content, DEMUXERS[kind])


def _duration_or_none(content: BinaryIO, demuxer: str) -> float | None:
    try:
        return duration(content, demuxer)
    except av.error.MemoryError:
        raise
    except _DAMAGED:
        # What FFmpeg thinks of the file makes no difference to its identity.
        return None


def _milliseconds(seconds: float | None) -> int | None:
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds < MAX_DURATION_S:
        return None
    return round(seconds * 1000) or None
