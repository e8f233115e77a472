"""Files of 12 MB that consist of next to nothing, very many times over."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 12_000_000


def crc(data: bytes, polynomial: int, bits: int) -> int:
    """Return a checksum, most significant bit first."""
    value, top = 0, 1 << (bits - 1)
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & ((1 << bits) - 1)
    return value


def repeated(head: bytes, unit: bytes) -> bytes:
    return head + unit * ((SIZE - len(head)) // len(unit))


def adts() -> bytes:
    """AAC frames of eight bytes (ISO/IEC 13818-7, 6.2), the shortest that can be: nine hours."""
    return repeated(b"", bytes([0xFF, 0xF1, 0x50, 0x80, 8 >> 3, (8 & 7) << 5 | 0x1F, 0xFC, 0x00]))


def mp3() -> bytes:
    """MPEG-2 layer III at 8 kbit/s and 24 kHz: frames of 24 bytes, more than three hours."""
    return repeated(b"", b"\xff\xf3\x14\xc4".ljust(24, b"\0"))


def mp3_that_declares_its_length() -> bytes:
    """The same with a head that says how many there are."""
    head = (b"\xff\xf3\x14\xc4".ljust(4 + 9, b"\0") + b"Xing" + struct.pack(">II", 1, SIZE // 24)).ljust(24, b"\0")
    return repeated(head, b"\xff\xf3\x14\xc4".ljust(24, b"\0"))


def nearly_mp3() -> bytes:
    """Behind a run of frames heads of frames of that kind that point at none."""
    frame = b"\xff\xfb\x90\xc4".ljust(417, b"\0")
    return repeated(frame * 4 + b"x", b"\xff\xfb\x90\xc4")


def interrupted_mp3() -> bytes:
    """Runs of frames with a byte between them."""
    return repeated(b"", b"\xff\xf3\x14\xc4".ljust(24, b"\0") * 3 + b"x")


def flac() -> bytes:
    """FLAC at 384 kHz in blocks of 16 equal samples (RFC 9639, sections 9.1 and 9.2), read from its start: 10 MB."""
    rate = 384_000
    blocks = 34 * rate // 16
    info = struct.pack(">HH", 16, 16) + bytes(6) + (rate << 44 | 15 << 36 | blocks * 16).to_bytes(8, "big") + bytes(16)
    frames = []
    for number in range(128):
        # 8 bits of blocksize minus one, the rate as in the header of the file, mono, 16 bits; number in one byte.
        head = bytes([0xFF, 0xF8, 0x60, 0x08, number, 15])
        head += bytes([crc(head, 0x07, 8)])
        frame = head + struct.pack(">Bh", 0, 12_000 if number % 2 else -12_000)
        frames.append(frame + crc(frame, 0x8005, 16).to_bytes(2, "big"))
    return b"fLaC\x80" + len(info).to_bytes(3, "big") + info + b"".join(frames) * (blocks // 128)


def ogg_page(flags: int, granule: int, packets: list[bytes], *, serial: int = 1, number: int = 0) -> bytes:
    """Return a page (RFC 3533, section 6) of packets shorter than 255 bytes."""
    table = bytes(len(packet) for packet in packets)
    head = b"OggS\0" + struct.pack("<BqIII", flags, granule, serial, number, 0) + bytes([len(table)]) + table
    page = bytearray(head + b"".join(packets))
    struct.pack_into("<I", page, 22, crc(bytes(page), 0x04C1_1DB7, 32))
    return bytes(page)


OPUS_HEADS = (b"OpusHead\x01\x01" + struct.pack("<HIhB", 0, 48_000, 0, 0), b"OpusTags" + struct.pack("<II", 0, 0))


def opus_links() -> bytes:
    """Opus streams of one packet, one after the other (RFC 3533, section 4)."""
    head = ogg_page(2, 0, [OPUS_HEADS[0]]) + ogg_page(0, 0, [OPUS_HEADS[1]], number=1)
    return repeated(b"", head + ogg_page(4, 960, [b"\xfc"], number=2))


def opus_packets() -> bytes:
    """One Opus stream of packets of one byte, 2.5 ms each."""
    head = ogg_page(2, 0, [OPUS_HEADS[0]]) + ogg_page(0, 0, [OPUS_HEADS[1]], number=1)
    return repeated(head, ogg_page(0, 30_600, [b"\xe0"] * 255, number=2))


def ogg_pages() -> bytes:
    """Empty pages, each of which says that a stream begins and the next that it goes on."""
    return repeated(b"", ogg_page(2, 0, []) + ogg_page(0, 0, []))


def element(name: int, content: bytes) -> bytes:
    """Return an element of Matroska (RFC 8794)."""
    width = (name.bit_length() + 7) // 8
    return name.to_bytes(width, "big") + (len(content) | 1 << 56).to_bytes(8, "big") + content


def webm(*, is_nested: bool = False) -> bytes:
    """WebM without a length, in blocks of an Opus packet of one byte; or clusters in clusters."""
    head = element(0x1A45_DFA3, element(0x4282, b"webm"))
    audio = element(0xE1, element(0xB5, struct.pack(">d", 48_000.0)) + element(0x9F, b"\x01"))
    codec = element(0x86, b"A_OPUS") + element(0x63A2, OPUS_HEADS[0])
    track = element(0xAE, element(0xD7, b"\x01") + element(0x73C5, b"\x01") + element(0x83, b"\x02") + codec + audio)
    head += b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + element(0x1654_AE6B, track)
    if is_nested:
        return repeated(head, b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7)
    head += b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + element(0xE7, b"\0")
    return repeated(head, b"\xa3\x85\x81\x00\x00\x80\xfc")


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box of MP4 (ISO/IEC 14496-12, 4.2)."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def m4a(*, samples: int = SIZE // 12) -> bytes:
    """MP4 of uncompressed sound, each sample in a chunk of its own."""
    rate = 44_100
    entry = bytes(6) + struct.pack(">H", 1) + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, rate << 16)
    tables = (
        box(b"stsd", struct.pack(">II", 0, 1) + box(b"sowt", entry)),
        box(b"stts", struct.pack(">IIII", 0, 1, samples, 1)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
        box(b"stsz", struct.pack(">III", 0, 2, samples)),
        box(b"stco", struct.pack(">II", 0, samples) + struct.pack(">I", 40) * samples),
    )
    header = box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, rate, samples, 0))
    handler = box(b"hdlr", bytes(8) + b"soun" + bytes(13))
    media = box(b"mdia", header + handler + box(b"minf", box(b"smhd", bytes(8)) + box(b"stbl", b"".join(tables))))
    track = box(b"trak", box(b"tkhd", struct.pack(">IIIII", 7, 0, 0, 1, 0) + bytes(64)) + media)
    movie = box(b"moov", box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, rate, samples) + bytes(80)) + track)
    return box(b"ftyp", b"M4A \0\0\0\0M4A ") + box(b"mdat", b"\x10\x20" * (SIZE // 3)) + movie


FILES: dict[str, Callable[[], bytes]] = {
    "frames of AAC": adts,
    "frames of MP3": mp3,
    "frames of MP3 and their number": mp3_that_declares_its_length,
    "frames of MP3 that are none": nearly_mp3,
    "frames of MP3 with junk between them": interrupted_mp3,
    "blocks of FLAC": flac,
    "links of Opus": opus_links,
    "packets of Opus": opus_packets,
    "pages of Ogg": ogg_pages,
    "blocks of WebM": webm,
    "clusters of WebM": lambda: webm(is_nested=True),
    "chunks of MP4": m4a,
}
