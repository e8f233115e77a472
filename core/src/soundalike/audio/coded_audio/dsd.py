"""The bits of DSD in DSF and DSDIFF, with a line that says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.audio.coded_audio.chunks import DSDIFF, DSF, content
from soundalike.audio.errors import Undecodable
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload

_MAX_FORMAT_BYTES: Final = 1 << 10


def add_dsf(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the data of a DSF, and return their duration in seconds; raises `Undecodable`."""
    stop = size(stream)
    form = b""
    for chunk in DSF.chunks(stream, 0, stop):
        if chunk.name == b"fmt ":
            form = content(stream, chunk, _MAX_FORMAT_BYTES)
        elif chunk.name == b"data" and len(form) >= 24:
            channels, rate = int.from_bytes(form[12:16], "little"), int.from_bytes(form[16:20], "little")
            bits = int.from_bytes(form[20:24], "little")
            return _add(stream, payload, f"dsf{bits} {rate} {channels}", chunk.start, min(chunk.length, stop))
    raise Undecodable("it has no data, or does not say what they are")


def add_dsdiff(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the data of a DSDIFF, and return their duration in seconds; raises `Undecodable`."""
    stop = size(stream)
    rate = channels = 0
    for chunk in DSDIFF.chunks(stream, 16, stop):
        if chunk.name == b"PROP":
            for part in DSDIFF.chunks(stream, chunk.start + 4, chunk.start + chunk.length):
                if part.name == b"FS  ":
                    rate = int.from_bytes(content(stream, part, 4), "big")
                elif part.name == b"CHNL":
                    channels = int.from_bytes(content(stream, part, 2), "big")
        elif chunk.name == b"DSD ":
            return _add(stream, payload, f"dsdiff {rate} {channels}", chunk.start, chunk.length)
        elif chunk.name == b"DST ":
            _add(stream, payload, f"dst {rate} {channels}", chunk.start, chunk.length)
            return None
    raise Undecodable("it has no data")


def _add(stream: BinaryIO, payload: Payload, form: str, start: int, length: int) -> float | None:
    payload.describe(form)
    payload.add_range(stream, start, start + length)
    rate, channels = map(int, form.split()[1:])
    return 8 * payload.size / rate / channels if rate and channels else None
