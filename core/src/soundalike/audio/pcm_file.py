"""An opened recording whose frames are read as they are, before mixing and resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import numpy as np

from soundalike.audio.errors import Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from soundalike.audio.sniff import AudioKind

MIN_RATE: Final = 4_000
MAX_RATE: Final = 384_000
MAX_CHANNELS: Final = 16

_FIRST_BLOCK_SECONDS: Final = 2
_BLOCK_SECONDS: Final = 20
_MAX_BLOCK_SAMPLES: Final = 1 << 23
"""The first block is there soon; later ones are longer, as each may cost a seek."""


class PcmFile(Protocol):
    """A recording of `channels` at `rate` Hz, `bits` deep where it is lossless (16 where it is lossy).

    `frames_total` is how many frames the file declares, 0 where nothing tells.
    """

    @property
    def rate(self) -> int:
        """Frames per second."""

    @property
    def channels(self) -> int:
        """Samples per frame."""

    @property
    def bits(self) -> int:
        """Depth of a lossless source, 16 or 24."""

    @property
    def frames_total(self) -> int:
        """Length in frames."""

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:
        """Return the frames `span`, float32 [n, channels], fewer where the file lacks some; raises `Undecodable`.

        `roughly`: they may begin a second earlier or later, where that is faster.
        """

    def stream(self, span: range) -> Iterator[NDArray[np.float32]]:
        """Yield the frames `span` block by block, without a gap between two, as `read` returns them."""


class Opener(Protocol):
    """Opens a recording; raises `Undecodable`."""

    def __call__(self, stream: BinaryIO, kind: AudioKind) -> AbstractContextManager[PcmFile]:
        """Open `stream`, which stands at the file's start and may be left anywhere."""


def read_in_blocks(file: PcmFile, span: range) -> Iterator[NDArray[np.float32]]:
    """Yield the frames `span` of a file that reads any of them exactly (see `PcmFile.stream`)."""
    most = max(1, _MAX_BLOCK_SAMPLES // file.channels)
    start, seconds = span.start, _FIRST_BLOCK_SECONDS
    while start < span.stop:
        block = file.read(range(start, min(start + min(most, seconds * file.rate), span.stop)))
        if not len(block):
            return
        yield block
        start, seconds = start + len(block), _BLOCK_SECONDS


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
