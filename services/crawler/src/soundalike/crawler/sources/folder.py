"""A folder of music files; needs no network, and keeps the paths to itself."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_files import RegularFile, SpecialFile, UnreadablePath, walk
from soundalike.audio.clip import CLIP_KIND
from soundalike.audio.decoder_pool import ClipEncoderPool
from soundalike.audio.errors import (
    AudioError,
    DecoderCrashed,
    DecoderUnavailable,
    InternalDecoderError,
    NotAudio,
    Silent,
    TooDemanding,
    TooShort,
    Truncated,
)
from soundalike.audio.isolate import IsolatedClipEncoder
from soundalike.crawler.entries import IgnoredEntry, Preview, Provenance, TrackEntry, UnreadableEntry
from soundalike.crawler.errors import PreviewUnavailable, PreviewUnusable
from soundalike.crawler.library.file_track import file_track
from soundalike.domain.file_identity import file_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from soundalike.crawler.entries import Entry
    from soundalike.crawler.library.file_reader import FileFacts, FileReader

MAX_FILE_BYTES: Final = 8 * 1024**3
"""Every byte of a file is read to identify it, and a sparse file of terabytes takes no room on the disk."""

OTHER_FILE: Final = "other files"
TOO_LARGE: Final = f"files of more than {MAX_FILE_BYTES // 1024**3} GB"
UNREADABLE_TAGS: Final = "tags that could not be read"
_CLIP_ENCODERS: Final = 2
_CLIP_TIMEOUT_S: Final = 60.0
"""Files may lie on a disk behind a slow network."""

_MAX_CRASHES: Final = 2
_PROVENANCE: Final = Provenance("file", "cut")
_REASONS: Final[dict[type[AudioError], str]] = {
    NotAudio: "not audio",
    TooShort: "too short",
    Silent: "silent",
    Truncated: "cut short",
    TooDemanding: "too demanding",
}


@dataclass(frozen=True, slots=True)
class ClipOffer:
    """A clip of a file, encoded when it is fetched."""

    path: Path
    encoders: ClipEncoderPool

    async def fetch(self) -> Preview:
        """Encode the clip (see `crawler.entries.PreviewOffer`)."""
        try:
            return Preview(await self._encode(), CLIP_KIND, _PROVENANCE)
        except DecoderUnavailable as error:
            raise PreviewUnavailable("the decoder process fails", str(error)) from error
        except InternalDecoderError as error:
            raise PreviewUnavailable("an error in the decoder", str(error)) from error
        except DecoderCrashed as error:
            # A file that kills one process after the other will never be decoded.
            raise PreviewUnusable("cannot be decoded", str(error)) from error
        except AudioError as error:
            raise PreviewUnusable(_REASONS.get(type(error), "cannot be decoded"), str(error)) from error
        except OSError as error:
            raise PreviewUnavailable("the file cannot be read", str(error)) from error

    async def _encode(self) -> bytes:
        for _ in range(_MAX_CRASHES - 1):
            try:
                return await self.encoders.encode(self.path)
            except DecoderUnavailable:
                raise
            except DecoderCrashed:
                continue
        return await self.encoders.encode(self.path)


def clip_encoder_pool() -> ClipEncoderPool:
    """Return the clip encoders of a crawl, to be closed by the caller."""
    return ClipEncoderPool(_CLIP_ENCODERS, lambda: IsolatedClipEncoder(timeout_s=_CLIP_TIMEOUT_S))


@dataclass(slots=True)
class MusicFolder:
    """The files below a folder (see `crawler.sources.source.Source`); a track is known by its content."""

    folder: Path
    encoders: ClipEncoderPool
    file_reader: FileReader
    total: int | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The folder's path."""
        return _display_path(self.folder)

    async def playlist(self) -> None:
        """Return nothing: the order of files says nothing about the music."""

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:  # noqa: ARG002 - no list, nothing is known ahead
        """Yield what each file is."""
        items = await asyncio.to_thread(lambda: list(walk(self.folder)))
        self.total = len(items)
        for position, item in enumerate(items):
            entries = await asyncio.to_thread(self._entries, position, item)
            self.total += len(entries) - 1
            for entry in entries:
                yield entry

    def _entries(self, position: int, item: RegularFile | UnreadablePath | SpecialFile) -> list[Entry]:
        label = _display_path(item.path.relative_to(self.folder))
        match item:
            case UnreadablePath(_, reason):
                return [UnreadableEntry(position, label, "cannot be read", reason)]
            case SpecialFile():
                return [IgnoredEntry(label, OTHER_FILE)]
            case RegularFile(path):
                return self._entries_of_file(position, label, path)

    def _entries_of_file(self, position: int, label: str, path: Path) -> list[Entry]:
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                return [IgnoredEntry(label, TOO_LARGE)]
            facts = self._read(path)
        except OSError as error:
            return [UnreadableEntry(position, label, "cannot be read", error.strerror or str(error))]
        except (InternalDecoderError, DecoderUnavailable) as error:
            return [UnreadableEntry(position, label, "the reader of files fails", str(error))]
        if facts is None:
            return [IgnoredEntry(label, OTHER_FILE)]
        former = file_id(facts.sha256) if facts.sha256 else None
        track = TrackEntry(
            position, label, file_track(facts, os.fsencode(path)), ClipOffer(path, self.encoders), former
        )
        return [track] if facts.tags is not None else [IgnoredEntry(label, UNREADABLE_TAGS), track]

    def _read(self, path: Path) -> FileFacts | None:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file any more")
            return self.file_reader.read(stream, os.fsencode(path))


def _open_without_waiting(path: str, flags: int) -> int:
    # A pipe that took the place of the file since it was listed would wait for a writer.
    return os.open(path, flags | os.O_NONBLOCK)


def _display_path(path: Path) -> str:
    """Return a path as text; bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")
