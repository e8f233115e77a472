"""The packets of Ogg (RFC 3533): Vorbis, Opus, FLAC and Speex, also of chained and multiplexed files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from soundalike.audio.coded_audio.tails import without_tails
from soundalike.audio.effort import Effort
from soundalike.audio.errors import TooDemanding
from soundalike.audio.ogg_chain import pages
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload
    from soundalike.audio.ogg_chain import OggPage

_MAX_HEAD_BYTES: Final = 64 << 20
"""Pictures in comments make them large; what is larger is no head of a stream."""

_OPUS_RATE: Final = 48_000
_OPUS_MAX_SAMPLES: Final = 5_760
_MAX_SPEEX_SAMPLES: Final = 6_400


@dataclass(slots=True)
class _Link:
    """The audio stream of one link: its head is read packet by packet, what follows is taken page by page."""

    serial: int
    codec: str
    rate: int
    max_packet_samples: int
    skipped_samples: int = 0
    head: list[bytes] = field(default_factory=list)
    in_head: bool = True
    packets: int = 0
    first_position: int | None = None
    last_position: int = 0
    part: bytearray = field(default_factory=bytearray)

    @property
    def seconds(self) -> float:
        """The duration of its packets, by the positions that pages give."""
        if self.first_position is None or not self.rate:
            return 0.0
        samples = min(self.last_position - self.first_position, self.packets * self.max_packet_samples)
        return max(0, samples - self.skipped_samples) / self.rate


def add_ogg(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the packets of the first audio stream of each link, and return their duration in seconds.

    Of the heads only those of Vorbis without its comments, and that of Speex, count. Raises `TooDemanding`.
    """
    link: _Link | None = None
    seconds = 0.0
    in_heads = False
    end = size(stream)
    stop = without_tails(stream, 0, end)
    for page in pages(stream, Effort(end), stop):
        if page.is_first and not in_heads:
            # The multiplexed streams of a link all begin before any of them goes on.
            seconds += link.seconds if link else 0.0
            link = None
        if link is None and page.is_first:
            link = _open_link(page.serial, _body(stream, page, stop))
        elif link is not None and page.serial == link.serial:
            _take(link, page, _body(stream, page, stop), payload)
        in_heads = page.is_first
    seconds += link.seconds if link else 0.0
    return seconds or None


def _body(stream: BinaryIO, page: OggPage, stop: int) -> bytes:
    stream.seek(page.body_start)
    return stream.read(max(0, min(sum(page.lacing), stop - page.body_start)))


def _take(link: _Link, page: OggPage, body: bytes, payload: Payload) -> None:
    packets = page.packets
    if link.in_head:
        head = _take_head(link, page.lacing, body)
        if head is None:
            return
        link.in_head = False
        for packet in _counted_head(link):
            payload.add(packet)
        body = body[head.stop :]
        packets -= head.packets
    payload.add(body)
    link.packets += packets
    if page.position is not None and packets:
        if link.first_position is None:
            # In a recording of a stream that was under way, positions do not begin at zero.
            samples = _opus_samples(body) if link.codec == "opus" else link.max_packet_samples
            link.first_position = max(0, page.position - packets * samples)
        link.last_position = page.position


class _HeadEnd(NamedTuple):
    """How many bytes, and packets, of a page belong to the head."""

    stop: int
    packets: int


def _take_head(link: _Link, lacing: bytes, body: bytes) -> _HeadEnd | None:
    """Read packets of the head from a page; return where it ends if it does so on the page."""
    position = packets = 0
    for segment in lacing:
        if not link.part and _is_audio(link, body[position : position + 1]):
            return _HeadEnd(position, packets)
        link.part += body[position : position + segment]
        position += segment
        if segment < 255:
            link.head.append(bytes(link.part))
            link.part.clear()
            packets += 1
    if sum(map(len, link.head)) + len(link.part) > _MAX_HEAD_BYTES:
        raise TooDemanding("it begins with more than the heads of a stream")
    return None


def _is_audio(link: _Link, first: bytes) -> bool:
    """Tell whether a packet that begins so is audio: FLAC marks its frames, the others have so many heads."""
    if link.codec == "flac":
        return first == b"\xff"
    return len(link.head) >= {"vorbis": 3, "opus": 2, "speex": 2}[link.codec]


def _counted_head(link: _Link) -> list[bytes]:
    if link.codec == "vorbis":
        return [link.head[0], *link.head[2:]]
    return link.head[:1] if link.codec == "speex" else []


def _open_link(serial: int, head: bytes) -> _Link | None:
    if head[:7] == b"\x01vorbis" and len(head) >= 30:
        # Half of each of two blocks overlap.
        rate, longest = int.from_bytes(head[12:16], "little"), 1 << (head[28] >> 4)
        return _Link(serial, "vorbis", rate, longest // 2, head=[head])
    if head[:8] == b"OpusHead" and len(head) >= 19:
        skipped = int.from_bytes(head[10:12], "little")
        return _Link(serial, "opus", _OPUS_RATE, _OPUS_MAX_SAMPLES, skipped, head=[head])
    if head[:5] == b"\x7fFLAC" and len(head) >= 51:
        longest, rate = int.from_bytes(head[19:21], "big"), int.from_bytes(head[27:30], "big") >> 4
        return _Link(serial, "flac", rate, longest, head=[head])
    if head[:8] == b"Speex   " and len(head) >= 68:
        rate, frame = int.from_bytes(head[36:40], "little"), int.from_bytes(head[56:60], "little")
        frames = max(1, int.from_bytes(head[64:68], "little"))
        return _Link(serial, "speex", rate, min(frame * frames, _MAX_SPEEX_SAMPLES), head=[head])
    return None


def _opus_samples(packet: bytes) -> int:
    """Return the samples of a packet that begins so (RFC 6716, section 3.1)."""
    if not packet:
        return 0
    mode, length = packet[0] >> 5, packet[0] >> 3 & 3
    if packet[0] & 0x80:
        frame = 120 << length
    elif mode == 3:
        frame = 480 << (length & 1)
    else:
        frame = (480, 960, 1920, 2880)[length]
    count = {0: 1, 3: packet[1] & 0x3F if len(packet) > 1 else 1}.get(packet[0] & 3, 2)
    return min(frame * count, _OPUS_MAX_SAMPLES)
