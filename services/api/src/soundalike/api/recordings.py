"""Files of libraries that are opened to be played."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.api.errors import FileGone, FileOutside, FileUnreadable, LeadsOut
from soundalike.api.file_below import open_below
from soundalike.audio.sniff import AudioKind, sniff_stream
from soundalike.db.locations import segment_times
from soundalike.domain.file_paths import path_text
from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.locations import Location

_PLAYED_BY_BROWSERS: Final = frozenset(
    {
        *(AudioKind.MP3, AudioKind.M4A, AudioKind.AAC, AudioKind.FLAC, AudioKind.WAV),
        *(AudioKind.OGG, AudioKind.OPUS, AudioKind.WEBM),
    }
)
"""Kinds that each of today's browsers plays in their usual form; what it cannot play after all it asks for as Opus."""


@dataclass(frozen=True, slots=True)
class Recording:
    """An open file, or a segment of it (ms); `media_type` is None where browsers cannot play it as it is."""

    file: io.FileIO
    status: os.stat_result
    media_type: str | None
    segment: tuple[int, int] | None

    @property
    def etag(self) -> str:
        """What differs as soon as the file is another one."""
        return f'"{self.status.st_mtime_ns:x}-{self.status.st_size:x}-{self.status.st_ino:x}"'


def open_first(places: Sequence[Location]) -> Recording:
    """Open the first of the places of a track that can be opened.

    Raises `FileUnreadable`, `FileOutside` or `FileGone` for what is wrong with the place that is closest to being
    readable.
    """
    failures: list[FileGone | FileOutside | FileUnreadable] = []
    for place in places:
        try:
            return _open(place)
        except (FileGone, FileOutside, FileUnreadable) as failure:
            failures.append(failure)
    by_hope = (FileUnreadable, FileOutside, FileGone)
    raise min(failures, key=lambda each: by_hope.index(type(each)), default=FileGone("its file lies in no library"))


def _open(place: Location) -> Recording:
    name = clean(path_text(place.absolute_path))
    try:
        file = io.FileIO(open_below(place.root, place.path))
    except LeadsOut as error:
        raise FileOutside(f"{name} is, or lies behind, a link that leads out of its library {_root(place)}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileGone(f"{name} is not there any more, or its drive is not connected") from error
    except OSError as error:
        raise FileUnreadable(f"{name} cannot be read: {error.strerror}") from error
    segment = segment_times(place.segment)
    try:
        kind = sniff_stream(file, far=False)
        status = os.fstat(file.fileno())
    except OSError as error:
        file.close()
        raise FileUnreadable(f"{name} cannot be read: {error.strerror}") from error
    is_playable = segment is None and kind in _PLAYED_BY_BROWSERS
    return Recording(file, status, kind.mime_type if kind and is_playable else None, segment)


def _root(place: Location) -> str:
    return clean(path_text(place.root))
