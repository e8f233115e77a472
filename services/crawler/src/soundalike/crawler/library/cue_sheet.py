"""Cue sheets: which tracks a file with a whole album consists of."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import CueSheetUnusable
from soundalike.crawler.legacy_text import decode_all
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.text import clean_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CUE_SHEET_BYTES: Final = 256 << 10
_MAX_TRACKS: Final = 999
_MAX_TEXT_LENGTH: Final = 1000
_FRAMES_PER_SECOND: Final = 75
_MIN_WIDE_SHARE: Final = 0.4

_COMMAND: Final = re.compile(r"([A-Za-z]+)(?:[ \t]+(.*))?")
_TRACK: Final = re.compile(r"(\d{1,3})\b[ \t]*(\S*)")
_INDEX: Final = re.compile(r"(\d{1,2})[ \t]+(\d{1,4}):(\d{1,2}):(\d{1,2})")


@dataclass(frozen=True, slots=True)
class CueTrack:
    """A track, which begins `start_ms` after the beginning of its file."""

    number: int
    start_ms: int
    title: str | None = None
    performer: str | None = None
    isrc: str | None = None
    is_audio: bool = True


@dataclass(frozen=True, slots=True)
class CueFile:
    """A file as the sheet calls it, with the tracks that begin in it."""

    name: str
    tracks: tuple[CueTrack, ...]


@dataclass(frozen=True, slots=True)
class CueSheet:
    """An album, its performer, and its files."""

    title: str | None
    performer: str | None
    files: tuple[CueFile, ...]


@dataclass(frozen=True, slots=True)
class CueSegment:
    """The part of a file that a track is, in milliseconds, the end not included."""

    track: CueTrack
    start_ms: int
    end_ms: int

    @property
    def name(self) -> str:
        """How the part is named where its location is stored."""
        return f"{self.start_ms}-{self.end_ms}"


def parse(content: bytes) -> CueSheet:
    """Read a cue sheet in UTF-8, UTF-16 or a legacy code page; commands that say nothing of tracks are passed over.

    Raises `CueSheetUnusable`.
    """
    if len(content) > MAX_CUE_SHEET_BYTES:
        raise CueSheetUnusable(f"it has more than {MAX_CUE_SHEET_BYTES >> 10} KB")
    text = _unicode_text(content)
    reader = _Reader()
    for number, line in enumerate(re.split(r"\r\n|\r|\n", content.decode("latin-1") if text is None else text), 1):
        reader.read(number, line)
    return reader.sheet(str if text is not None else _legacy_decoder(reader.texts()))


def segments(file: CueFile, duration_ms: int) -> list[CueSegment]:
    """Return the parts of a file of that length; each track goes on to where the next one begins.

    Raises `CueSheetUnusable` where the tracks are not in order, or where one begins behind the end of the file, which
    then is another than the one that the sheet is about.
    """
    starts = [track.start_ms for track in file.tracks]
    if any(start >= following for start, following in pairwise(starts)):
        raise CueSheetUnusable("its tracks do not follow each other")
    if starts and starts[-1] >= duration_ms:
        raise CueSheetUnusable("a track begins behind the end of the file")
    parts = zip(file.tracks, starts, [*starts[1:], duration_ms], strict=True)
    return [CueSegment(track, start, end) for track, start, end in parts if track.is_audio]


@dataclass(slots=True)
class _Reader:
    """Takes the lines one by one; texts stay as they stand there until all of them are known."""

    title: str | None = None
    performer: str | None = None
    _files: list[tuple[str, list[CueTrack]]] = field(default_factory=list)
    _track: CueTrack | None = None
    _is_placed: bool = False
    _count: int = 0

    def read(self, number: int, line: str) -> None:
        """Take a line; raises `CueSheetUnusable`."""
        command = _COMMAND.match(line.strip(" \t\0\ufeff"))
        if command is None:
            return
        argument = (command[2] or "").strip()
        match command[1].upper():
            case "FILE":
                self._files.append((_file_name(argument), []))
            case "TRACK":
                self._begin_track(number, argument)
            case "INDEX":
                self._place(number, argument)
            case "TITLE" if self._track is None:
                self.title = _unquoted(argument)
            case "PERFORMER" if self._track is None:
                self.performer = _unquoted(argument)
            case "TITLE" if self._track is not None:
                self._store(replace(self._track, title=_unquoted(argument)))
            case "PERFORMER" if self._track is not None:
                self._store(replace(self._track, performer=_unquoted(argument)))
            case "ISRC" if self._track is not None:
                self._store(replace(self._track, isrc=normalised_isrc(_unquoted(argument))))

    def texts(self) -> list[str]:
        """Return all texts whose code page is to be found out."""
        tracks = [track for _, tracks in self._files for track in tracks]
        texts = [self.title, self.performer, *(name for name, _ in self._files)]
        return [text for text in (*texts, *(t for track in tracks for t in (track.title, track.performer))) if text]

    def sheet(self, decode: Callable[[str], str]) -> CueSheet:
        """Return the sheet; raises `CueSheetUnusable` where it names no track."""

        def text(raw: str | None) -> str | None:
            return clean_or_none(decode(raw)[:_MAX_TEXT_LENGTH]) if raw else None

        files = tuple(
            CueFile(
                decode(name),
                tuple(replace(track, title=text(track.title), performer=text(track.performer)) for track in tracks),
            )
            for name, tracks in self._files
            if tracks
        )
        if not files:
            raise CueSheetUnusable("it names no track of a file")
        return CueSheet(text(self.title), text(self.performer), files)

    def _begin_track(self, number: int, argument: str) -> None:
        match = _TRACK.match(argument)
        if match is None:
            raise CueSheetUnusable(f"line {number}: expected a number behind TRACK")
        self._count += 1
        if self._count > _MAX_TRACKS:
            raise CueSheetUnusable(f"it has more than {_MAX_TRACKS} tracks")
        self._track = CueTrack(int(match[1]), 0, is_audio=match[2].upper() in {"AUDIO", ""})
        self._is_placed = False

    def _place(self, number: int, argument: str) -> None:
        """Let the track begin at its index 1; index 0 is a pause before it, which still belongs to the track before."""
        match = _INDEX.match(argument)
        if match is None:
            raise CueSheetUnusable(f"line {number}: expected INDEX, a number, and a time such as 03:25:00")
        if self._track is None or not self._files:
            raise CueSheetUnusable(f"line {number}: INDEX stands before FILE or TRACK")
        index, minutes, seconds, frames = map(int, match.groups())
        if index != 1:
            return
        if seconds >= 60 or frames >= _FRAMES_PER_SECOND:
            raise CueSheetUnusable(f"line {number}: {match[0]} is no time in minutes, seconds and 75 frames a second")
        total = (minutes * 60 + seconds) * _FRAMES_PER_SECOND + frames
        self._track = replace(self._track, start_ms=round(total * 1000 / _FRAMES_PER_SECOND))
        self._files[-1][1].append(self._track)
        self._is_placed = True

    def _store(self, track: CueTrack) -> None:
        self._track = track
        if self._is_placed:
            self._files[-1][1][-1] = track


def _unquoted(argument: str) -> str:
    if argument.startswith('"'):
        # Some programs leave quotes within a text as they are.
        return argument[1 : argument.rindex('"')] if argument.count('"') > 1 else argument[1:]
    return argument


def _file_name(argument: str) -> str:
    """Return the name without the type of the file behind it."""
    return _unquoted(argument) if argument.startswith('"') else re.sub(r"(?<![ \t])[ \t]+[A-Za-z0-9]+$", "", argument)


def _unicode_text(content: bytes) -> str | None:
    """Return the text of a sheet that is UTF-8 or UTF-16, also without its mark."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    for codec, other_bytes in (("utf-16-le", content[1::2]), ("utf-16-be", content[::2])):
        if other_bytes and other_bytes.count(0) > _MIN_WIDE_SHARE * len(other_bytes):
            return content.decode(codec, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _legacy_decoder(texts: list[str]) -> Callable[[str], str]:
    decoded = decode_all([text.encode("latin-1") for text in texts])
    return lambda text: decoded[text.encode("latin-1")]
