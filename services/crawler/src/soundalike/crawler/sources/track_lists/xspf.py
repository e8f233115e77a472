"""XSPF playlists (www.xspf.org), the XML form of JSPF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

from soundalike.crawler.sources.track_lists.jspf import track_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundalike.crawler.sources.track_lists.row import Row

_SINGLE: Final = frozenset({"title", "creator", "album", "duration", "info"})
_REPEATED: Final = frozenset({"location", "identifier"})
_MAX_TEXT: Final = 100_000


def read(text: str) -> tuple[str | None, list[Row]]:
    """Read a playlist; raises ValueError for what is none, and for one with a document type: its entities can grow."""
    reader = _Reader()
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add_text
    parser.StartDoctypeDeclHandler = reader.refuse_document_type
    try:
        parser.Parse(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(f"this is not XSPF ({error})") from error
    if not reader.is_playlist:
        raise ValueError("this is not XSPF; expected <playlist><trackList><track>…")
    return reader.title or None, reader.rows


class _Reader:
    """Takes what the parser meets; elements below those of a track, such as extensions, are left out."""

    def __init__(self) -> None:
        self.title = ""
        self.rows: list[Row] = []
        self.is_playlist = False
        self._path: list[str] = []
        self._track: dict[str, Any] = {}
        self._text: list[str] = []

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2].casefold())
        self._text = []
        if self._path == ["playlist"]:
            self.is_playlist = True
        elif self._path == ["playlist", "tracklist", "track"]:
            self._track = {}

    def add_text(self, text: str) -> None:
        if sum(map(len, self._text)) < _MAX_TEXT:
            self._text.append(text)

    def end(self, _name: str) -> None:
        *above, name = self._path
        text = "".join(self._text).strip()
        if above == ["playlist"] and name == "title":
            self.title = text
        elif above == ["playlist", "tracklist", "track"] and text:
            if name in _SINGLE:
                self._track[name] = text
            elif name in _REPEATED:
                self._track.setdefault(name, []).append(text)
        elif above == ["playlist", "tracklist"] and name == "track":
            self.rows.append(track_row(self._track))
        self._path.pop()
        self._text = []

    def refuse_document_type(self, *_: object) -> None:
        raise ValueError("lists with a document type (<!DOCTYPE …>) are not read")
