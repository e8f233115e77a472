"""The preview that every path is given: composed by the sandbox, so that nothing is downloaded or stored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import soundfile

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.composer import compose
from soundalike.sandbox.synthesis import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STYLE: Final = "rock"
# libsndfile maps 0..1 linearly to 320..32 kbit/s, and takes the next rate that MP3 has.
_COMPRESSION_AT_128_KBITS: Final = 2 / 3


def music() -> NDArray[Any]:
    """Return 30 s of dense music, float32 [1323000, 2] at 44.1 kHz."""
    return compose(next(piece for piece in pieces() if piece.style == _STYLE))


def encoded(samples: NDArray[Any]) -> bytes:
    """Return samples, float32 [n, 2] at 44.1 kHz, as an MP3 file of constantly 128 kbit/s, as the services send."""
    target = io.BytesIO()
    soundfile.write(
        target,
        samples,
        SAMPLE_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=_COMPRESSION_AT_128_KBITS,
    )
    return target.getvalue()


def preview() -> bytes:
    """Return `music`, `encoded`."""
    return encoded(music())
