"""Headers of frames of sound that follow each other without a container: their lengths in bytes and in seconds."""

from __future__ import annotations

from typing import Final

HEADER_BYTES: Final = 7
"""Bytes of the longest of the headers."""

_KBITS_V1_L1: Final = (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448)
_KBITS_V1_L2: Final = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_KBITS_V1_L3: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_V2_L1: Final = (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)
_KBITS_V2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
# fmt: off
_ADTS_RATES: Final = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
)
_AC3_KBITS: Final = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
# fmt: on
_AC3_RATES: Final = (48_000, 44_100, 32_000)
_EAC3_BLOCKS: Final = (1, 2, 3, 6)
_AC3_BLOCK_SAMPLES: Final = 256
_LAST_AC3, _LAST_EAC3 = 10, 16
"""Of the bit stream identifications."""


def mpeg_frame_bytes(header: bytes) -> int:
    """Return the length of a frame of MPEG-1 or 2, of any layer (ISO/IEC 11172-3, 2.4.1.3), or 0 for no header."""
    version, layer = header[1] >> 3 & 3, mpeg_layer(header)
    kbits_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    if version == 1 or layer == 4 or kbits_index in (0, 15) or rate_index == 3:
        return 0
    bits, rate = 1000 * _kbits(version, layer)[kbits_index], _MPEG_RATES[version][rate_index]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // rate + padding) * 4
    return _mpeg_samples(version, layer) // 8 * bits // rate + padding


def mpeg_layer(header: bytes) -> int:
    """Return 1, 2 or 3, and 4 for none."""
    return 4 - (header[1] >> 1 & 3)


def mpeg_seconds(header: bytes) -> float:
    """Return the duration in seconds of the frame under a header of `mpeg_frame_bytes`."""
    version = header[1] >> 3 & 3
    return _mpeg_samples(version, mpeg_layer(header)) / _MPEG_RATES[version][header[2] >> 2 & 3]


def adts_frame_bytes(header: bytes) -> int:
    """Return the length of an ADTS frame (ISO/IEC 13818-7, 6.2), or 0 for no header."""
    if len(header) < HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 0xF > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > HEADER_BYTES else 0


def adts_seconds(header: bytes) -> float:
    """Return the duration in seconds of an ADTS frame."""
    return 1024 * (1 + (header[6] & 3)) / _ADTS_RATES[header[2] >> 2 & 0xF]


def ac3_frame_bytes(header: bytes) -> int:
    """Return the length of an AC-3 or E-AC-3 frame (ETSI TS 102 366, 4.4 and E.1.3), or 0 for no header."""
    if len(header) < HEADER_BYTES or header[:2] != b"\x0b\x77":
        return 0
    rate_index, length_index = header[4] >> 6, header[4] & 0x3F
    if is_eac3(header):
        # One rate index is reserved in each of both places where it can stand.
        is_valid = header[2] >> 6 != 3 and (rate_index != 3 or header[4] >> 4 & 3 != 3)
        return 2 * (((header[2] & 7) << 8 | header[3]) + 1) if is_valid else 0
    if header[5] >> 3 > _LAST_AC3 or rate_index == 3 or length_index >= 2 * len(_AC3_KBITS):
        return 0
    kbits = _AC3_KBITS[length_index >> 1]
    words = kbits * 1000 * 6 * _AC3_BLOCK_SAMPLES // (16 * _AC3_RATES[rate_index])
    return 2 * (words + (length_index & 1 if rate_index == 1 else 0))


def is_eac3(header: bytes) -> bool:
    """Tell whether the frame under a header is E-AC-3, not AC-3."""
    return _LAST_AC3 < header[5] >> 3 <= _LAST_EAC3


def ac3_seconds(header: bytes) -> float:
    """Return the duration in seconds of an AC-3 or E-AC-3 frame; one that only adds channels to another has none."""
    rate_index = header[4] >> 6
    if not is_eac3(header):
        return 6 * _AC3_BLOCK_SAMPLES / _AC3_RATES[rate_index]
    if header[2] >> 6 == 1:
        return 0.0
    if rate_index == 3:
        return 6 * _AC3_BLOCK_SAMPLES / (_AC3_RATES[header[4] >> 4 & 3] / 2)
    return _EAC3_BLOCKS[header[4] >> 4 & 3] * _AC3_BLOCK_SAMPLES / _AC3_RATES[rate_index]


def _kbits(version: int, layer: int) -> tuple[int, ...]:
    if version == 3:
        return (_KBITS_V1_L1, _KBITS_V1_L2, _KBITS_V1_L3)[layer - 1]
    return _KBITS_V2_L1 if layer == 1 else _KBITS_V2


def _mpeg_samples(version: int, layer: int) -> int:
    if layer == 1:
        return 384
    return 1152 if layer == 2 or version == 3 else 576
