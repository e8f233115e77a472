"""A segment of a file's frames as a reader returns them, before mixing and resampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import numpy as np

from soundalike.audio.errors import Undecodable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.audio.excerpt_rule import ExcerptRule
    from soundalike.audio.sniff import AudioKind

MIN_RATE: Final = 4_000
MAX_RATE: Final = 384_000
MAX_CHANNELS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class PcmSegment:
    """`frames` float32 [n, channels] at `rate` Hz, where the file declares `frames_declared` for this segment.

    `seconds_total` is the length of the whole recording, `bits` the depth of a lossless source (16 for a lossy one).
    """

    frames: NDArray[np.float32]
    rate: int
    frames_declared: int
    seconds_total: float
    bits: int


class Reader(Protocol):
    """Reads the segment that a rule selects; raises `Undecodable`."""

    def __call__(self, stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> PcmSegment:
        """Read from `stream`, which stands at the file's start and may be left anywhere."""


def check_layout(rate: int, channels: int) -> None:
    """Refuse rates and channels that no music has, before memory is reserved; raises `Undecodable`."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise Undecodable(f"its sample rate is {rate} Hz; {MIN_RATE} to {MAX_RATE} Hz are supported")
    if not 1 <= channels <= MAX_CHANNELS:
        raise Undecodable(f"it has {channels} channels; 1 to {MAX_CHANNELS} are supported")


def downmix(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix float32 [n, channels] to float32 [n] by the mean of the channels."""
    channels = frames.shape[1]
    # The same numbers as `mean` gives for one and two channels, ten times as fast.
    return frames @ np.full(channels, 1 / channels, dtype=np.float32)


def with_channels(frames: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Return float32 [n, any] as float32 [n, `channels`] with the same average, for files that change midway."""
    if frames.shape[1] == channels:
        return frames
    return np.repeat(downmix(frames)[:, np.newaxis], channels, axis=1)
