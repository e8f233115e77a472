"""The links of a chained Ogg file: complete streams, one after the other, as in web radio recordings."""

from __future__ import annotations

from typing import BinaryIO, Final

from soundalike.audio.effort import LINK_STEPS, SEARCH_STEPS, Effort

_HEADER_BYTES: Final = 27
_FIRST_PAGE: Final = 0x02
_BLOCK_BYTES: Final = 1 << 16


def links(stream: BinaryIO) -> list[range]:
    """Return the bytes of each link (RFC 3533, sections 4 and 6); of a file that is not chained, one range.

    Raises `TooDemanding` where there are more than anybody can read one by one.
    """
    starts: list[int] = []
    end = stream.seek(0, 2)
    effort = Effort(end)
    position: int | None = 0
    in_heads = False
    while position is not None:
        stream.seek(position)
        header = stream.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            break
        effort.spend()
        if header[:4] != b"OggS":
            effort.spend(SEARCH_STEPS)
            position = _next_page(stream, position)
            continue
        # The multiplexed streams of a link all begin before any of them goes on.
        is_head = bool(header[5] & _FIRST_PAGE)
        if is_head and not in_heads:
            effort.spend(LINK_STEPS)
            starts.append(position)
        in_heads = is_head
        position += _HEADER_BYTES + header[26] + sum(stream.read(header[26]))
    return [range(start, stop) for start, stop in zip(starts, [*starts[1:], end], strict=False)]


def _next_page(stream: BinaryIO, position: int) -> int | None:
    while True:
        stream.seek(position)
        block = stream.read(_BLOCK_BYTES)
        at = block.find(b"OggS")
        if at >= 0:
            return position + at
        if len(block) < _BLOCK_BYTES:
            return None
        position += _BLOCK_BYTES - 3
