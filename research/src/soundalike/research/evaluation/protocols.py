"""How a recording reaches the systems: as it is, or with its channel made equal to that of all others.

Albums share a mastering, a codec and a sampling rate, which a system may recognise in place of the music.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.decode import decode
from soundalike.audio.errors import Silent
from soundalike.audio.excerpt import RATE
from soundalike.research.evaluation.distortions import amplify, encode_mp3
from soundalike.research.evaluation.loudness import integrated_loudness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

CHANNEL_EQUAL: Final = "channel equal"
FULL_BAND: Final = "full band"
PROTOCOLS: Final = (CHANNEL_EQUAL, FULL_BAND)
"""The first leads."""

LOUDNESS: Final = -23.0
"""LUFS; with this much room above, hardly a peak is clipped."""

MP3_BITS: Final = 32_000
"""A second, for one channel at 12 kHz: as many for a sample as 118 kbit/s for one channel at 44.1 kHz."""

_EQUAL_MARK: Final = "-equal1"
"""Part of the keys of the cache: a change of the chain needs a new number."""


def version_under(protocol: str, version: str) -> str:
    """Return the name of a version of a recording under a protocol; at full band it is the version's own."""
    return version + _EQUAL_MARK if protocol == CHANNEL_EQUAL else version


def without_protocol(version: str) -> tuple[str, bool]:
    """Return the plain name of a version, and whether its channel is made equal."""
    return version.removesuffix(_EQUAL_MARK), version.endswith(_EQUAL_MARK)


def equalise(excerpts: Sequence[Samples]) -> list[Samples]:
    """Send the excerpts of one recording, float32 [n] at 12 kHz, through the chain that is the same for all.

    One gain to -23 LUFS (ITU-R BS.1770, over all excerpts together), then MP3 at 12 kHz, mono, 32 kbit/s, which also
    ends at 5.5 kHz, and back, and a gain to -23 LUFS once more, for what was above that. An excerpt that is silent
    stays as it is, like a recording that no gate lets pass. Each excerpt has at least the 7 s that decoding needs.
    """
    return _level([_reencode(samples) for samples in _level(excerpts)])


def _level(excerpts: Sequence[Samples]) -> list[Samples]:
    loudness = integrated_loudness(excerpts, RATE)
    return [samples if loudness is None else amplify(samples, LOUDNESS - loudness) for samples in excerpts]


def _reencode(samples: Samples) -> Samples:
    try:
        return decode(encode_mp3(samples[:, np.newaxis], RATE, MP3_BITS, stream_rate=RATE)).samples
    except Silent:
        return samples
