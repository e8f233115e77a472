"""Embedding many files of this machine, without the platform."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.audio.audio_files import is_named_like_audio
from soundalike.audio.errors import AudioError
from soundalike.audio.file_tree import RegularFile, UnreadablePath, walk
from soundalike.domain.tags import TAG_NAMES
from soundalike.extractor.architecture import DIMENSIONS
from soundalike.extractor.errors import VectorNotFinite
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.audio.decoder_pool import DecoderPool
    from soundalike.audio.excerpt import AudioExcerpts
    from soundalike.extractor.model import Model

_DECODE_AHEAD: Final = 4
"""Files decoded ahead of the network, per decoder (three excerpts are 4.2 MB)."""


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be decoded or embedded, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFile:
    """A file and its decoded excerpts."""

    path: Path
    excerpts: AudioExcerpts


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFile:
    """A file, its `vector` float32 [160], and where the model has tags, their probabilities `tags` float32 [50]."""

    path: Path
    vector: NDArray[np.float32]
    tags: NDArray[np.float32] | None = None


@dataclass(slots=True, eq=False)
class Batch:
    """The result of a run, each file in exactly one of the two lists."""

    model: str
    embedded: list[EmbeddedFile] = field(default_factory=list)
    failed: list[FailedFile] = field(default_factory=list)

    def save(self, out: Path) -> None:
        """Write `paths` (str [n]), `vectors` (float32 [n, 160]) and `model` (str), the file whole or not at all.

        Where the model has tags also `tags` (float32 [n, 50], probabilities) and `tag_names` (str [50]).
        """
        vectors = (
            np.stack([file.vector for file in self.embedded])
            if self.embedded
            else np.empty((0, DIMENSIONS), np.float32)
        )
        paths = np.array([str(file.path) for file in self.embedded], dtype=np.str_)
        tags = [file.tags for file in self.embedded if file.tags is not None]
        tag_arrays: dict[str, Any] = {"tags": np.stack(tags), "tag_names": np.array(TAG_NAMES)} if tags else {}
        with atomic_write(out) as part, part.open("wb") as file:
            np.savez(file, paths=paths, vectors=vectors, model=np.array(self.model), **tag_arrays)


def find_audio_files(paths: Iterable[Path]) -> list[Path]:
    """List each given file, and of each folder all audio files below it, in the order of their paths."""
    files: dict[Path, None] = {}
    for path in paths:
        files.update(dict.fromkeys(_walk_folder(path) if path.is_dir() else [path]))
    return list(files)


def decode_files(files: Iterable[Path], decoders: DecoderPool) -> Iterator[DecodedFile | FailedFile]:
    """Decode every file, in order, some ahead of the caller; a broken one does not stop the rest."""
    pending: deque[Future[DecodedFile | FailedFile]] = deque()
    with ThreadPoolExecutor(decoders.count, thread_name_prefix="decoding") as threads:
        try:
            for path in files:
                pending.append(threads.submit(_decode, decoders, path))
                if len(pending) >= _DECODE_AHEAD * decoders.count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for decoding in pending:
                decoding.cancel()


def embed_files(files: Iterable[Path], model: Model, decoders: DecoderPool) -> Iterator[EmbeddedFile | FailedFile]:
    """Embed every file, in order; the network and the decoders work in parallel."""
    for decoded in decode_files(files, decoders):
        if isinstance(decoded, FailedFile):
            yield decoded
            continue
        try:
            embedding = model.embed_recording(decoded.excerpts.separate())
        except VectorNotFinite as error:
            yield FailedFile(decoded.path, str(error))
        else:
            yield EmbeddedFile(decoded.path, embedding.vector, embedding.tags)


def _decode(decoders: DecoderPool, path: Path) -> DecodedFile | FailedFile:
    try:
        return DecodedFile(path, decoders.decode_with_retry(path))
    except (AudioError, OSError) as error:
        return FailedFile(path, str(error))


def _walk_folder(folder: Path) -> Iterator[Path]:
    for item in walk(os.fsencode(folder)):
        path = folder / os.fsdecode(item.path)
        match item:
            case RegularFile():
                is_included = is_named_like_audio(path)
            case UnreadablePath():
                # It fails when it is decoded, and is then listed with the reason.
                is_included = is_named_like_audio(path) or not path.suffix
            case _:
                is_included = False
        if is_included:
            yield path
