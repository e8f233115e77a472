"""Small writers of DSD: one bit, 2.8 million times a second, in the containers DSF and DSDIFF (both by Sony)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

OVERSAMPLING = 64
_BLOCK_BYTES = 4096


def modulate(samples: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the bits, uint8 [64 n], whose moving mean is `samples` [n]: a modulator of the first order."""
    bits = []
    total = 0.0
    for start in range(0, len(samples), 1 << 14):
        levels = np.repeat(samples[start : start + (1 << 14)].astype(np.float64), OVERSAMPLING)
        sums = total + np.cumsum((levels + 1) / 2)
        # Each step of the rounded sum is a bit: its errors are differences of rounding, and so noise of high pitch.
        bits.append(np.diff(np.floor(sums), prepend=np.floor(total)).astype(np.uint8))
        total = float(sums[-1] % 1)
    return np.concatenate(bits)


def dsf(frames: NDArray[np.float32], rate: int) -> bytes:
    """Write float32 [n, channels] as DSF: blocks of each channel in turn, the first bit the lowest of its byte."""
    channels = [np.packbits(modulate(channel), bitorder="little").tobytes() for channel in frames.T]
    blocks = -(-len(channels[0]) // _BLOCK_BYTES)
    padded = [channel.ljust(blocks * _BLOCK_BYTES, b"\x69") for channel in channels]
    sound = b"".join(
        channel[start : start + _BLOCK_BYTES]
        for start in range(0, blocks * _BLOCK_BYTES, _BLOCK_BYTES)
        for channel in padded
    )
    form = struct.pack(
        "<4sQIIIIIIQII",
        *(b"fmt ", 52, 1, 0, len(channels), len(channels), rate * OVERSAMPLING, 1),
        *(len(frames) * OVERSAMPLING, _BLOCK_BYTES, 0),
    )
    data = b"data" + struct.pack("<Q", 12 + len(sound)) + sound
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(form) + len(data), 0) + form + data


def dff(frames: NDArray[np.float32], rate: int) -> bytes:
    """Write float32 [n, 2] as DSDIFF: a byte of each channel in turn, the first bit the highest."""
    sound = np.stack([np.packbits(modulate(channel)) for channel in frames.T], axis=1).tobytes()
    properties = b"SND " + _chunk(b"FS  ", struct.pack(">I", rate * OVERSAMPLING))
    properties += _chunk(b"CHNL", struct.pack(">H", 2) + b"SLFTSRGT") + _chunk(b"CMPR", b"DSD \x0enot compressed\0")
    body = b"DSD " + _chunk(b"FVER", struct.pack(">I", 0x0105_0000)) + _chunk(b"PROP", properties)
    body += _chunk(b"DSD ", sound)
    return b"FRM8" + struct.pack(">Q", len(body)) + body


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">Q", len(body)) + body + bytes(len(body) % 2)
