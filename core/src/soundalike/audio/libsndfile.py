"""Reading by libsndfile: fast, and exact where it seeks."""

from __future__ import annotations

import io
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import soundfile

from soundalike.audio.errors import Undecodable
from soundalike.audio.frame_headers import HEADER_BYTES
from soundalike.audio.mpeg_frames import Framing, declares_length, index_frames, shortest_frame
from soundalike.audio.ogg_chain import links
from soundalike.audio.pcm_file import check_layout, read_in_blocks, with_channels
from soundalike.audio.sniff import AudioKind
from soundalike.audio.substream import Substream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from soundalike.audio.pcm_file import PcmFile

_DEEP_SUBTYPES: Final = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_24", "ALAC_32"})

_TRUNCATED_WAV: Final = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_TRUNCATED_OTHER: Final = re.compile(r"from 'ds64' chunk of (\d+)|from 'COMM' chunk \((\d+)\) not equal")
_PLACEHOLDER_LENGTHS: Final = frozenset({0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, (1 << 64) - 1})
_UNKNOWN_LENGTH: Final = 1 << 62
"""libsndfile reports the largest number there is where it does not know."""

_FRAMES_TO_TELL_THE_LAYOUT: Final = 8


@contextmanager
def open_by_sndfile(stream: BinaryIO, kind: AudioKind) -> Iterator[PcmFile]:
    """Open a recording (see `audio.pcm_file.Opener`)."""
    with ExitStack() as stack:
        with _errors_translated():
            file = _open(stream, kind, stack)
        yield file


def _open(stream: BinaryIO, kind: AudioKind, stack: ExitStack) -> PcmFile:
    if kind is AudioKind.MP3 and not declares_length(stream):
        return _UncountedMp3(stream)
    parts = links(stream) if kind in {AudioKind.OGG, AudioKind.OPUS} else []
    stream.seek(0)
    views = [Substream(stream, part.start, part.stop) for part in parts] if len(parts) > 1 else [stream]
    return _CountedFile([stack.enter_context(soundfile.SoundFile(view)) for view in views])


class _UncountedMp3:
    """An MP3 that does not declare its length: its frames are indexed, and those that are asked for are decoded."""

    bits: Final = 16

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._index = index_frames(stream, Framing.MP3)
        if not self._index.offsets:
            raise Undecodable("libsndfile finds no audio frame in it")
        with soundfile.SoundFile(self._part(range(min(len(self._index.offsets), _FRAMES_TO_TELL_THE_LAYOUT)))) as sound:
            self.rate, self.channels = int(sound.samplerate), int(sound.channels)
        check_layout(self.rate, self.channels)
        self.frames_total = round(self._index.seconds * self.rate)

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - always exact
        """Decode the frames `span`."""
        indexed = self._index.frames_for(span.start / self.rate, span.stop / self.rate)
        begin = round((indexed.start - 1) * self._index.frame_seconds * self.rate)
        with _errors_translated(), soundfile.SoundFile(self._part(indexed)) as sound:
            frames = sound.read(span.stop - begin, dtype="float32", always_2d=True)[span.start - begin :]
        return with_channels(frames, self.channels)

    def stream(self, span: range) -> Iterator[NDArray[np.float32]]:
        """Decode the frames `span` in blocks."""
        return read_in_blocks(self, span)

    def _part(self, indexed: range) -> BinaryIO:
        content = self._index.read(self._stream, indexed)
        # By the first frame libsndfile guesses how many there are, and reads no more; of the shortest there could be
        # most.
        return io.BytesIO(shortest_frame(content[:HEADER_BYTES]) + content)


class _CountedFile:
    """The links of a chain, or one file."""

    def __init__(self, sounds: list[Any]) -> None:
        first = sounds[0]
        self.rate, self.channels = int(first.samplerate), int(first.channels)
        for sound in sounds:
            check_layout(sound.samplerate, sound.channels)
        if any(sound.samplerate != self.rate for sound in sounds):
            raise Undecodable("its sample rate changes midway")
        self._sounds = sounds
        self._lengths = [_declared_frames(sound) for sound in sounds]
        self.frames_total = sum(self._lengths)
        if self.frames_total >= _UNKNOWN_LENGTH:
            raise Undecodable("libsndfile cannot tell how long it is")
        self.bits = 24 if first.subtype in _DEEP_SUBTYPES else 16

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - always exact
        """Decode the frames `span`."""
        pieces: list[NDArray[np.float32]] = []
        begin = 0
        with _errors_translated():
            for sound, length in zip(self._sounds, self._lengths, strict=True):
                start, stop = max(span.start - begin, 0), min(span.stop - begin, length)
                begin += length
                if start >= stop:
                    continue
                if start != sound.tell():
                    sound.seek(min(start, sound.frames))
                pieces.append(with_channels(sound.read(stop - start, dtype="float32", always_2d=True), self.channels))
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([np.zeros((0, self.channels), np.float32), *pieces])

    def stream(self, span: range) -> Iterator[NDArray[np.float32]]:
        """Decode the frames `span` in blocks."""
        return read_in_blocks(self, span)


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise Undecodable(f"libsndfile cannot read it ({_reason(error)})") from error


def _declared_frames(sound: Any) -> int:
    """Return how many frames the file declares; of a truncated one libsndfile counts those that are left."""
    truncated = _TRUNCATED_WAV.search(sound.extra_info)
    if truncated and int(truncated[2]):
        return int(sound.frames) * int(truncated[1]) // int(truncated[2])
    truncated = _TRUNCATED_OTHER.search(sound.extra_info)
    declared = int(truncated[1] or truncated[2]) if truncated else 0
    return int(sound.frames) if declared in _PLACEHOLDER_LENGTHS else max(int(sound.frames), declared)


def _reason(error: Exception) -> str:
    # libsndfile's message follows the name of the stream, which means nothing to a user.
    return str(error).rpartition(">: ")[2].strip().rstrip(".")
