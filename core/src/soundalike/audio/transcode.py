"""Any recording, or a part of one, as Opus in Ogg, which every browser plays: a stream that begins before it ends."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

import av
import av.audio.resampler
import numpy as np
import soxr

from soundalike.audio.errors import TooShort, Undecodable
from soundalike.audio.recording import content_of, openers_of, part_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from soundalike.audio.pcm_file import PcmFile
    from soundalike.audio.recording import Milliseconds

RATE: Final = 48_000
"""What Opus decodes to, whatever was encoded (RFC 6716, 2)."""

_BITS_PER_S: Final = {1: 96_000, 2: 160_000}
_LAYOUTS: Final = {1: "mono", 2: "stereo"}
_BUFFER_BYTES: Final = 4_096
_SHARE_OF_OTHERS: Final = np.float32(0.5**0.5)
"""How loud channels beside the front ones are in both of these (ITU-R BS.775, annex 4)."""


class Sink(Protocol):
    """Takes the stream."""

    def write(self, data: bytes) -> int:
        """Take bytes; may wait until somebody wants them."""


class Transcoding:
    """A recording that was opened and found to have sound; `seconds` is the length of what `run` writes."""

    def __init__(self, file: PcmFile, span: range) -> None:
        self._file = file
        self._channels = min(2, file.channels)
        self._blocks: Iterator[NDArray[np.float32]] = (block for block in file.stream(span) if len(block))
        self.seconds = len(span) / file.rate
        first = next(self._blocks, None)
        if first is None:
            raise Undecodable("no sound can be decoded there")
        self._blocks = chain([first], self._blocks)

    def run(self, sink: Sink) -> Iterator[None]:
        """Write the stream; what is yielded is when a block has been written."""
        options = {"page_duration": "200000"}
        with av.open(sink, "w", format="ogg", options=options, buffer_size=_BUFFER_BYTES) as container:
            stream: Any = container.add_stream("libopus", rate=RATE)
            stream.layout = _LAYOUTS[self._channels]
            stream.bit_rate = _BITS_PER_S[self._channels]
            stream.codec_context.thread_count = 1
            written = 0
            for samples in self._resampled():
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(samples.reshape(1, -1)), format="flt", layout=_LAYOUTS[self._channels]
                )
                frame.sample_rate, frame.pts = RATE, written
                written += len(samples)
                container.mux(stream.encode(frame))
                yield
            container.mux(stream.encode(None))

    def _resampled(self) -> Iterator[NDArray[np.float32]]:
        resampler = soxr.ResampleStream(self._file.rate, RATE, self._channels)
        for block in self._blocks:
            yield from _non_empty(resampler.resample_chunk(_front(block)))
        yield from _non_empty(resampler.resample_chunk(np.zeros((0, self._channels), np.float32), last=True))


def open_transcoding(
    stream: BinaryIO, stack: ExitStack, *, start_ms: int = 0, segment: Milliseconds | None = None
) -> Transcoding:
    """Open a seekable stream, or a segment of it, from `start_ms` milliseconds after its beginning on.

    The stream has to stay open as long as `stack`. Raises `NotAudio`, `Protected`, `Undecodable`, `TooShort`,
    `TooDemanding`.
    """
    content, kind = content_of(stream)
    failures: list[str] = []
    for open_file in openers_of(kind):
        content.seek(0)
        with ExitStack() as attempt:
            try:
                file = attempt.enter_context(open_file(content, kind))
                transcoding = Transcoding(file, _span(file, start_ms, segment))
            except Undecodable as failure:
                failures.append(str(failure))
                continue
            stack.push(attempt.pop_all())
            return transcoding
    raise Undecodable(f"the file looks like {kind.extension}, but " + "; ".join(failures))


def _span(file: PcmFile, start_ms: int, segment: Milliseconds | None) -> range:
    part = part_of(file, segment) or range(file.frames_total)
    start = part.start + start_ms * file.rate // 1000
    if start >= part.stop:
        raise TooShort(f"the recording ends before {start_ms / 1000:.1f} s")
    return range(start, part.stop)


def _front(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one or two channels of numbers that can be sound."""
    if block.shape[1] > 2:
        others = block[:, 2:].sum(axis=1, keepdims=True) * _SHARE_OF_OTHERS
        block = (block[:, :2] + others) / (1 + _SHARE_OF_OTHERS * (block.shape[1] - 2))
    return np.ascontiguousarray(np.clip(np.nan_to_num(block), -1, 1), dtype=np.float32)


def _non_empty(samples: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    if len(samples):
        yield samples
