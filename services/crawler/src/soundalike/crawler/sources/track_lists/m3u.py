"""M3U and M3U8 playlists."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_files import without_suffix
from soundalike.crawler.sources.track_lists.row import (
    Row,
    TrackRow,
    clean_text,
    find_files,
    find_link,
    find_track_id,
    parse_seconds,
    validate_row,
)
from soundalike.domain.file_names import read_file_name
from soundalike.domain.file_paths import paths_of_uri
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.title_notes import DASHES, SPACES

if TYPE_CHECKING:
    from collections.abc import Mapping

# Possessive: what an attribute has taken is not given back, or a line of quotation marks takes for ever.
_INFO: Final = re.compile(
    r"#EXTINF:\s*+(?P<seconds>-?[\d.]++)?+(?:\s*+[\w-]++=(?:\"[^\"]*+\"|[^\s,]*+))*+\s*+,(?P<name>.*)", re.IGNORECASE
)
_TAG: Final = re.compile(r"#(?P<tag>EXTART|EXTALB|PLAYLIST|ISRC|SOUNDALIKE)\s*:(?P<text>.*)", re.IGNORECASE)
_ISRC: Final = re.compile(
    r"\bisrc[\"']?\s*[=:]\s*[\"']?(?P<code>[A-Za-z]{2}-?[A-Za-z0-9]{3}-?\d{2}-?\d{5})\b", re.IGNORECASE
)
_DASH: Final = re.compile(rf"{SPACES}[{DASHES}]\s+")


def read(text: str) -> tuple[str | None, list[Row]]:
    """Read a playlist; lines that are no location only describe the next one. Raises ValueError when there is none."""
    title, rows, info = None, list[Row](), dict[str, str]()
    for location in re.split(r"[\r\n]+", text.lstrip("\ufeff")):
        line = location.strip()
        if not line.startswith("#"):
            if line:
                # Names can begin and end with blanks.
                rows.append(file_row(location, info))
                info = {}
            continue
        if code := _ISRC.search(line):
            info["isrc"] = code["code"]
        if match := _INFO.fullmatch(line):
            info |= {"seconds": match["seconds"] or "", "name": match["name"]}
        elif tag := _TAG.fullmatch(line):
            if tag["tag"].upper() == "PLAYLIST":
                title = clean_text(tag["text"]) or title
            else:
                info[tag["tag"].upper()] = tag["text"]
    if not rows:
        raise ValueError("the playlist names no track")
    return title, rows


def file_row(location: str, info: Mapping[str, str]) -> Row:
    """Return the row of a location; `info` is what was said of it: `name` ("artist - title"), `seconds` and so on."""
    artist, title = clean_text(info.get("EXTART")), clean_text(info.get("name"))
    if not title:
        named = read_file_name(_name(location), [artist] if artist else ())
        artist, title = artist or named.artist or "", named.title
    elif not artist and (parts := _DASH.split(title, maxsplit=1))[1:]:
        artist, title = parts
    return validate_row(
        TrackRow(
            title=title,
            artists=(artist,) if artist else (),
            album=clean_text(info.get("EXTALB")) or None,
            seconds=parse_seconds(info.get("seconds", "")),
            isrc=normalised_isrc(info.get("isrc")),
            id=find_track_id([location, info.get("SOUNDALIKE", "")]),
            link=find_link([location]),
            files=find_files([location]),
        )
    )


def _name(location: str) -> str:
    """Return a file's name without its suffix, and the folders that may name artist and album."""
    if "://" in location and not (location := next(iter(paths_of_uri(location.strip())), "")):
        return ""
    path = without_suffix(PureWindowsPath(location) if "\\" in location else PurePosixPath(location))
    return "/".join(clean_text(part) for part in path.parts[-3:] if part != path.anchor)
