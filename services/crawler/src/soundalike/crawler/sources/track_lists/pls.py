"""PLS playlists: an INI file with `File1`, `Title1`, `Length1` and so on."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from soundalike.crawler.sources.track_lists.m3u import file_row

if TYPE_CHECKING:
    from soundalike.crawler.sources.track_lists.row import Row

_LINE: Final = re.compile(r"\s*+(?P<key>file|title|length)\s*+(?P<number>[0-9]{1,9})\s*+=(?P<value>.*)", re.IGNORECASE)
_NAME: Final = re.compile(r"\s*+(?:x-gnome-title|playlistname)\s*+=(?P<name>.*)", re.IGNORECASE)


def read(text: str) -> tuple[str | None, list[Row]]:
    """Read a playlist in the order of its numbers; raises ValueError when it names no track."""
    title, entries = None, defaultdict[int, dict[str, str]](dict)
    for line in re.split(r"[\r\n]+", text.lstrip("\ufeff")):
        if match := _LINE.fullmatch(line):
            entries[int(match["number"])][match["key"].lower()] = match["value"]
        elif match := _NAME.fullmatch(line):
            title = match["name"].strip() or title
    rows = [
        file_row(entry["file"], {"name": entry.get("title", ""), "seconds": entry.get("length", "")})
        for _, entry in sorted(entries.items())
        if entry.get("file", "").strip()
    ]
    if not rows:
        raise ValueError("the playlist names no track")
    return title, rows
