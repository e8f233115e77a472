"""The pages of Ogg, and the links of a chained file: complete streams one after the other, as web radio has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from soundalike.audio.effort import LINK_STEPS, SEARCH_STEPS, Effort

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER_BYTES: Final = 27
_FIRST_PAGE: Final = 0x02
_NO_POSITION: Final = (1 << 64) - 1
_BLOCK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class OggPage:
    """A page that begins at byte `start` of the file, and its body at `body_start`; `lacing` has the segments' lengths.

    `position` is the one that its codec counts up to the end of its last packet, None where no packet ends on it.
    """

    start: int
    body_start: int
    is_first: bool
    position: int | None
    serial: int
    lacing: bytes

    @property
    def packets(self) -> int:
        """How many packets end on it."""
        return len(self.lacing) - self.lacing.count(255)


def pages(stream: BinaryIO, effort: Effort, stop: int | None = None) -> Iterator[OggPage]:
    """Yield the pages that begin before `stop` (RFC 3533, section 6), passing over junk; raises `TooDemanding`.

    Between two pages the stream may be left anywhere.
    """
    position: int | None = 0
    while position is not None and (stop is None or position < stop):
        stream.seek(position)
        header = stream.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        effort.spend()
        if header[:4] != b"OggS":
            effort.spend(SEARCH_STEPS)
            position = _next_page(stream, position)
            continue
        lacing = stream.read(header[26])
        body_start = position + _HEADER_BYTES + header[26]
        granule = int.from_bytes(header[6:14], "little")
        yield OggPage(
            start=position,
            body_start=body_start,
            is_first=bool(header[5] & _FIRST_PAGE),
            position=None if granule == _NO_POSITION else granule,
            serial=int.from_bytes(header[14:18], "little"),
            lacing=lacing,
        )
        position = body_start + sum(lacing)


def links(stream: BinaryIO) -> list[range]:
    """Return the bytes of each link (RFC 3533, section 4); of a file that is not chained, one range.

    Raises `TooDemanding` where there are more than anybody can read one by one.
    """
    starts: list[int] = []
    end = stream.seek(0, 2)
    effort = Effort(end)
    in_heads = False
    for page in pages(stream, effort):
        # The multiplexed streams of a link all begin before any of them goes on.
        if page.is_first and not in_heads:
            effort.spend(LINK_STEPS)
            starts.append(page.start)
        in_heads = page.is_first
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
