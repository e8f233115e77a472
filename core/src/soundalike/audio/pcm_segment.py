"""A stretch of frames as a reader finds them in the file, before anything is mixed or resampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import numpy as np

from soundalike.audio.errors import Undecodable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.audio.excerpt_bounds import ExcerptRule
    from soundalike.audio.sniff import AudioKind

SLOWEST_RATE: Final = 4_000
FASTEST_RATE: Final = 384_000
MOST_CHANNELS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """`frames` float32 [n, channels] at `rate` Hz, where the file declares `frames_declared` for this stretch.

    `seconds_total` is the length of the whole recording, `bits` the depth of a lossless source (16 for a lossy one).
    """

    frames: NDArray[np.float32]
    rate: int
    frames_declared: int
    seconds_total: float
    bits: int


class Reader(Protocol):
    """Reads the stretch that a rule asks for; raises `Undecodable`."""

    def __call__(self, stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> Passage:
        """Read from `stream`, which stands at the file's start and may be left anywhere."""


def check_layout(rate: int, channels: int) -> None:
    """Refuse what no music has, before memory is reserved for it; raises `Undecodable`."""
    if not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise Undecodable(f"its sample rate is {rate} Hz; {SLOWEST_RATE} to {FASTEST_RATE} Hz are understood")
    if not 1 <= channels <= MOST_CHANNELS:
        raise Undecodable(f"it has {channels} channels; 1 to {MOST_CHANNELS} are understood")


def average(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix float32 [n, channels] to float32 [n] by the mean of the channels."""
    channels = frames.shape[1]
    # The same numbers as `mean` gives for one and two channels, ten times as fast.
    return frames @ np.full(channels, 1 / channels, dtype=np.float32)


def with_channels(frames: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return float32 [n, any] as float32 [n, `channels`] that averages to the same, for files that change midway."""
    if frames.shape[1] == channels:
        return frames
    return np.repeat(average(frames)[:, np.newaxis], channels, axis=1)
