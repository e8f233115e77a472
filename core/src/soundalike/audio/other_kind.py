"""Kinds of files with music or pictures in them that are recognised to be counted, and not analysed."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

_HEAD_BYTES: Final = 1_084


class OtherKind(Enum):
    """What such files are called where they are counted."""

    VIDEO = "video files"
    MIDI = "MIDI files, which hold notes and no sound"
    MODULE = "tracker modules, which hold notes and instruments"
    CHIP_MUSIC = "programs for the sound chips of old machines"
    AUDIBLE = "Audible books, which are protected (DRM)"
    OPTIMFROG = "OptimFROG files, which cannot be decoded"
    LA = "Lossless Audio files, which cannot be decoded"
    TWINVQ = "TwinVQ files"
    ATRAC = "ATRAC files of Sony"


_SIGNATURES: Final = (
    (0, b"MThd", OtherKind.MIDI),
    (8, b"RMID", OtherKind.MIDI),
    (0, b"Extended Module: ", OtherKind.MODULE),
    (0, b"IMPM", OtherKind.MODULE),
    (44, b"SCRM", OtherKind.MODULE),
    *((1080, mark, OtherKind.MODULE) for mark in (b"M.K.", b"M!K!", b"FLT4", b"FLT8", b"4CHN", b"6CHN", b"8CHN")),
    *((0, mark, OtherKind.CHIP_MUSIC) for mark in (b"PSID", b"RSID", b"NESM\x1a", b"Vgm ", b"GBS\x01")),
    (4, b"\x57\x90\x75\x36", OtherKind.AUDIBLE),
    (4, b"ftypaax", OtherKind.AUDIBLE),
    (0, b"OFR ", OtherKind.OPTIMFROG),
    *((0, mark, OtherKind.LA) for mark in (b"LA02", b"LA03", b"LA04")),
    (0, b"TWIN", OtherKind.TWINVQ),
    *((0, mark, OtherKind.ATRAC) for mark in (b"ea3\x03", b"EA3\x01")),
)


def other_kind(stream: BinaryIO) -> OtherKind | None:
    """Return which of these kinds a file is by what it begins with, or `None`; the stream is rewound."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return next((kind for at, mark, kind in _SIGNATURES if head[at : at + len(mark)] == mark), None)
