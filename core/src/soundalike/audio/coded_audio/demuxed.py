"""The packets of containers that FFmpeg's demuxers know best: MP4, Matroska, ASF, Wave64, CAF, AU."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av

from soundalike.audio.effort import Effort
from soundalike.audio.errors import Undecodable
from soundalike.audio.ffmpeg_container import TAGS_OF_ANY_ENCODING
from soundalike.audio.substream import Substream, size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload

_BUFFER_BYTES: Final = 1 << 18
_OPTIONS: Final = {"mov": {"ignore_editlist": "1"}}
"""Edit lists hide packets, or repeat them; programs that remux write others, and the packets stay the same."""


def add_packets(stream: BinaryIO, demuxer: str, payload: Payload) -> float | None:
    """Append the packets of the first audio stream, and return their duration in seconds.

    Raises `TooDemanding`, `Undecodable`, and what PyAV raises.
    """
    effort = Effort(size(stream))
    with _open(stream, demuxer) as (container, track):
        _describe(track, payload)
        return _duration(container, track, effort, payload)


def duration(stream: BinaryIO, demuxer: str) -> float | None:
    """Return the duration of the packets of the first audio stream in seconds; raises as `add_packets`."""
    effort = Effort(size(stream))
    with _open(stream, demuxer) as (container, track):
        return _duration(container, track, effort, None)


@contextmanager
def _open(stream: BinaryIO, demuxer: str) -> Iterator[tuple[Any, Any]]:
    stream.seek(0)
    options = _OPTIONS.get(demuxer, {})
    with av.open(
        Substream(stream), format=demuxer, options=options, buffer_size=_BUFFER_BYTES, **TAGS_OF_ANY_ENCODING
    ) as container:
        if not container.streams.audio:
            raise Undecodable("it holds no audio stream")
        yield container, container.streams.audio[0]


def _describe(track: Any, payload: Payload) -> None:
    """Put in front what the packets do not say themselves: the form of samples, and the code books of Vorbis."""
    context = track.codec_context
    codec = context.codec.canonical_name if context else ""
    if codec.startswith("pcm_"):
        payload.describe(f"{codec} {context.sample_rate} {context.channels}")
    elif codec == "vorbis":
        for packet in _vorbis_heads(context.extradata or b""):
            payload.add(packet)


def _vorbis_heads(extradata: bytes) -> list[bytes]:
    """Return the first and the last of the three heads, which are laced as in Ogg (Matroska, "Codec Mappings")."""
    if extradata[:1] != b"\x02":
        return [extradata]
    position, lengths = 1, []
    for _ in range(2):
        length = 0
        while position < len(extradata):
            position += 1
            length += extradata[position - 1]
            if extradata[position - 1] < 255:
                break
        lengths.append(length)
    first = extradata[position : position + lengths[0]]
    return [first, extradata[position + sum(lengths) :]]


def _duration(container: Any, track: Any, effort: Effort, payload: Payload | None) -> float | None:
    begin: int | None = None
    end = durations = last = 0
    # A file that breaks off is as long as it goes.
    with suppress(av.error.InvalidDataError):
        for packet in container.demux(track):
            effort.spend()
            if payload is not None and packet.size:
                payload.add(memoryview(packet))
            length = packet.duration or 0
            durations += length
            time = packet.dts if packet.pts is None else packet.pts
            if time is not None and packet.size:
                # Some containers say when a packet begins, and never when the last one ends.
                length = length or max(0, time - last)
                begin = time if begin is None else min(begin, time)
                last, end = time, max(end, time + length)
    span = 0 if begin is None else end - begin
    # Where no packet but the first has a time, the end of that is all there is.
    ticks = span if 2 * span >= durations else durations
    return float(ticks * Fraction(track.time_base)) if ticks and track.time_base else None
