"""Files whose tags are far larger, deeper or more than they look, written by hand.

Run as a program with the path of a folder, it writes them there, reads the tags of each as a crawl of that folder does,
and prints what came of it and how much memory it took, as JSON.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.audio.errors import AudioError
from soundalike.crawler.tag_reader import TagReader

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1 << 20
MP3_FRAME = b"\xff\xfb\x90\xc4".ljust(417, b"\0")


def synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(frames: bytes, *, size: int | None = None) -> bytes:
    return b"ID3\x04\0\0" + synchsafe(len(frames) if size is None else size) + frames


def id3_frame(name: bytes, content: bytes, flags: int = 0) -> bytes:
    return name + synchsafe(len(content)) + flags.to_bytes(2, "big") + content


@cache
def packed_zeros(megabytes: int) -> bytes:
    """Return so many megabytes of zeros in about a thousandth of the space."""
    packer, block = zlib.compressobj(9), bytes(MEGABYTE)
    return b"".join([*(packer.compress(block) for _ in range(megabytes)), packer.flush()])


def packed_frame(name: bytes) -> bytes:
    """Return a frame of 600 MB: compressed, with the length of its content before it (ID3v2.4 structure, 4.1.2)."""
    return id3_frame(name, synchsafe(200 * MEGABYTE) + packed_zeros(600), flags=0x0009)


def mp3(tag: bytes) -> bytes:
    return tag + MP3_FRAME * 50


def nested_chapters() -> bytes:
    frames = b""
    while len(frames) < 2 * MEGABYTE:
        frames = id3_frame(b"CHAP", b"a\0" + bytes(16) + frames + bytes(1000))
    return frames


def flac(*blocks: tuple[int, bytes]) -> bytes:
    info = (
        struct.pack(">HH", 4096, 4096) + bytes(6) + (44_100 << 44 | 15 << 36 | 441_000).to_bytes(8, "big") + bytes(16)
    )
    parts = [(0, info), *blocks]
    heads = [kind | (0x80 if number == len(parts) - 1 else 0) for number, (kind, _) in enumerate(parts)]
    return b"fLaC" + b"".join(
        bytes([head]) + len(content).to_bytes(3, "big") + content
        for head, (_, content) in zip(heads, parts, strict=True)
    )


def comments(count: int, one: bytes, times: int) -> bytes:
    return struct.pack("<I", 0) + struct.pack("<I", count) + (struct.pack("<I", len(one)) + one) * times


def picture(claim: int) -> bytes:
    return struct.pack(">IIIIIIII", 3, 0, 0, 1, 1, 24, 0, claim)


def ogg(packets: list[bytes]) -> bytes:
    """Return packets in pages (RFC 3533, section 6)."""
    pages, number, flags = [], 0, 2
    for packet in packets:
        whole = packet
        first = True
        while True:
            piece, whole = whole[: 255 * 254], whole[255 * 254 :]
            table = b"\xff" * (len(piece) // 255) + (b"" if whole else bytes([len(piece) % 255]))
            head = struct.pack("<BqIII", flags if first else 1, 0, 1, number, 0) + bytes([len(table)]) + table
            pages.append(b"OggS\0" + head + piece)
            number, flags, first = number + 1, 0, False
            if not whole:
                break
    return b"".join(pages)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


M4A_HEAD = box(b"ftyp", b"M4A \0\0\0\0M4A ")
VORBIS_HEAD = b"\x01vorbis" + struct.pack("<IBIIIIB", 0, 1, 8_000, 0, 0, 0, 0xB8) + b"\1"
OPUS_HEAD = b"OpusHead\x01\x01" + struct.pack("<HIhB", 0, 48_000, 0, 0)


def nested_boxes(depth: int) -> bytes:
    """Return boxes that each hold the next, all but the innermost saying how long what follows is."""
    return b"".join(struct.pack(">I", 8 * (depth - level)) + b"moov" for level in range(depth))


def items(count: int) -> bytes:
    data = box(b"data", struct.pack(">II", 1, 0) + b"a")
    metadata = box(b"meta", bytes(4) + box(b"ilst", box(b"\xa9nam", data * count)))
    return box(b"moov", box(b"udta", metadata))


def riff(kind: bytes, chunks: bytes, order: str) -> bytes:
    return (b"RIFF" if order == "<" else b"FORM") + struct.pack(f"{order}I", 4 + len(chunks)) + kind + chunks


def wav(name: bytes, content: bytes, claim: int | None = None) -> bytes:
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)
    tag = name + struct.pack("<I", len(content) if claim is None else claim) + content + bytes(len(content) % 2)
    return riff(b"WAVE", form + b"data" + struct.pack("<I", 16_000) + bytes(16_000) + tag, "<")


def aiff(content: bytes) -> bytes:
    common = b"COMM" + struct.pack(">IHIH", 18, 1, 8_000, 16) + b"\x40\x0b\xfa\0\0\0\0\0\0\0"
    tag = b"ID3 " + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)
    return riff(b"AIFF", common + b"SSND" + struct.pack(">III", 16_008, 0, 0) + bytes(16_000) + tag, ">")


def ape(count: int) -> bytes:
    return b"APETAGEX" + struct.pack("<IIII", 2000, 0x7FFF_FFFF, count, 0) + bytes(8)


BOMBS: dict[str, Callable[[], bytes]] = {
    "a compressed title.mp3": lambda: mp3(id3(packed_frame(b"TIT2"))),
    "a compressed picture.mp3": lambda: mp3(id3(packed_frame(b"APIC"))),
    "a compressed comment.wav": lambda: wav(b"id3 ", id3(packed_frame(b"COMM"))),
    "a compressed title.aiff": lambda: aiff(id3(packed_frame(b"TIT2"))),
    "chapters in chapters.mp3": lambda: mp3(id3(nested_chapters())),
    "a quarter of a million frames.mp3": lambda: mp3(id3(id3_frame(b"TXXX", b"\0a\0b") * 250_000)),
    "a million titles.mp3": lambda: mp3(id3(id3_frame(b"TIT2", b"\x03" + b"a\0" * 1_500_000))),
    "a tag of 256 MB in 30 kB.mp3": lambda: mp3(id3(id3_frame(b"TIT2", b"\x03a"), size=(1 << 28) - 1)),
    "items without end.mp3": lambda: mp3(b"") + ape(0xFFFF_FFFF),
    "half a million comments.flac": lambda: flac((4, comments(500_000, b"a=b", 500_000))),
    "as many comments as can be said.flac": lambda: flac((4, comments(0xFFFF_FFFF, b"a=b", 10))),
    "a picture of 4 GB.flac": lambda: flac((6, picture(0xFFFF_FFFF))),
    "thousands of pictures.flac": lambda: flac(*[(6, picture(0))] * 50_000),
    "half a million comments.ogg": lambda: ogg(
        [VORBIS_HEAD, b"\x03vorbis" + comments(500_000, b"a=b", 500_000) + b"\1", b"\x05vorbis"]
    ),
    "half a million comments.opus": lambda: ogg([OPUS_HEAD, b"OpusTags" + comments(500_000, b"a=b", 500_000)]),
    "a box of exabytes.m4a": lambda: M4A_HEAD + struct.pack(">I4sQ", 1, b"moov", 1 << 62) + bytes(64),
    "boxes in boxes.m4a": lambda: M4A_HEAD + nested_boxes(200_000),
    "hundreds of thousands of boxes.m4a": lambda: M4A_HEAD + box(b"free", b"") * 400_000,
    "a quarter of a million titles.m4a": lambda: M4A_HEAD + items(250_000),
    "a chunk of 4 GB.wav": lambda: wav(b"id3 ", id3(b""), claim=0xFFFF_FFF0),
}


def main() -> None:
    """Write and read them all."""
    folder = Path(sys.argv[1])
    with TagReader() as reader:
        outcomes = {}
        for name, make in BOMBS.items():
            (folder / name).write_bytes(make())
        started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for name in BOMBS:
            with (folder / name).open("rb") as stream:
                try:
                    tags = reader.read(stream)
                    outcomes[name] = f"{len(tags.title or '')} {len(tags.artists)}"
                except AudioError as error:
                    outcomes[name] = f"{type(error).__name__}: {error}"
    used = {
        "outcomes": outcomes,
        "grown_kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started,
        "child_kilobytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        "child_seconds": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime,
    }
    print(json.dumps(used, indent=1))


if __name__ == "__main__":
    main()
