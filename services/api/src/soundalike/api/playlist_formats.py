"""A recommendation as a file for players and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import re
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from soundalike.domain import csv_cells
from soundalike.domain.text import clean, clean_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from soundalike.api.path_format import PlaylistPath
    from soundalike.api.schemas.recommendation import Recommendation, Result


class Format(StrEnum):
    """The format of a response."""

    JSON = "json"
    M3U = "m3u"
    JSPF = "jspf"
    CSV = "csv"


MEDIA_TYPES: Final[Mapping[Format, str]] = {
    Format.JSON: "application/json",
    Format.M3U: "audio/x-mpegurl",
    Format.JSPF: "application/jspf+json",
    Format.CSV: "text/csv",
}

COLUMNS: Final = (
    "rank", "score", "title", "artists", "album", "duration_s", "link", "urn", "seed", "shared_tags", "why", "by",
    "path",
)  # fmt: skip

URN_COMMENT: Final = "#SOUNDALIKE:"
"""Of a line of M3U that names a track."""

NO_PATHS: Final[Mapping[str, PlaylistPath]] = MappingProxyType({})

_ADDRESS: Final = re.compile("https?://[^/]", re.IGNORECASE)


def negotiate(accept: str) -> Format:
    """Return the format that an Accept header (RFC 9110, 12.5.1) prefers; JSON where it names none of ours."""
    best, best_weight = Format.JSON, 0.0
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = _weight(parameters)
        for form, media_type in MEDIA_TYPES.items():
            if name == media_type and weight > best_weight:
                best, best_weight = form, weight
    return best


def write(output_format: Format, recommendation: Recommendation, paths: Mapping[str, PlaylistPath] = NO_PATHS) -> str:
    """Return the recommendation in a format other than JSON; `paths` are those of files by their tracks' URNs."""
    return _WRITERS[output_format](recommendation, paths)


def _m3u(recommendation: Recommendation, paths: Mapping[str, PlaylistPath]) -> str:
    """Write extended M3U: the path of each file or the link to each track, its URN where it has none.

    Length -1 is unknown. A file's URN stands in a comment, by which the list is read back wherever the file lies then;
    where it is a part of a file, VLC plays that part.
    """
    lines = ["#EXTM3U", f"#PLAYLIST:{clean(_title(recommendation))}"]
    for result in recommendation.results:
        seconds = -1 if result.duration_ms is None else round(result.duration_ms / 1000)
        path = paths.get(result.urn)
        if path is not None:
            lines.append(f"{URN_COMMENT}{result.urn}")
        lines.append(f"#EXTINF:{seconds},{clean(_artists_and_title(result))}")
        if path is not None and path.segment is not None:
            start_ms, end_ms = path.segment
            lines += [f"#EXTVLCOPT:start-time={start_ms / 1000}", f"#EXTVLCOPT:stop-time={end_ms / 1000}"]
        lines.append(path.text if path is not None else _link(result) or result.urn)
    return "\n".join(lines) + "\n"


def _jspf(recommendation: Recommendation, paths: Mapping[str, PlaylistPath]) -> str:
    """Write JSPF, the JSON of XSPF version 1 (xspf.org), with the files' URIs."""
    tracks = [
        {
            "location": [address] if (address := _uri(result, paths)) else None,
            "identifier": [result.urn],
            "title": clean(result.title),
            "creator": clean_or_none(", ".join(result.artists)),
            "album": clean_or_none(result.album),
            "duration": result.duration_ms,
            "annotation": result.why,
            "trackNum": result.rank,
        }
        for result in recommendation.results
    ]
    playlist = {
        "title": clean(_title(recommendation)),
        "creator": "Soundalike",
        "track": [{name: value for name, value in track.items() if value is not None} for track in tracks],
    }
    return json.dumps({"playlist": playlist}, ensure_ascii=False)


def _csv(recommendation: Recommendation, paths: Mapping[str, PlaylistPath]) -> str:
    """Write CSV (RFC 4180) with a header; several values in a cell are separated by semicolons.

    Texts are quoted, and none is a formula (`domain.csv_cells`): what reads a track list takes them as they were.
    """
    text = io.StringIO()
    csv.writer(text).writerow(COLUMNS)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    for result in recommendation.results:
        row: Sequence[object] = (
            result.rank,
            result.score,
            result.title,
            "; ".join(result.artists),
            result.album,
            "" if result.duration_ms is None else result.duration_ms / 1000,
            _link(result),
            result.urn,
            result.seed,
            "; ".join(result.shared_tags),
            result.why,
            "; ".join(result.by),
            path.text if (path := paths.get(result.urn)) else "",
        )
        writer.writerow("" if cell is None else _cell(cell) if isinstance(cell, str) else cell for cell in row)
    return text.getvalue()


_WRITERS: Final[Mapping[Format, Callable[[Recommendation, Mapping[str, PlaylistPath]], str]]] = {
    Format.M3U: _m3u,
    Format.JSPF: _jspf,
    Format.CSV: _csv,
}


def _title(recommendation: Recommendation) -> str:
    if recommendation.playlist:
        return f"Similar to {recommendation.playlist.title or recommendation.playlist.urn}"
    if recommendation.user:
        return f"Recommendations for {recommendation.user.urn}"
    return f"Sounds like {', '.join(seed.title or seed.urn for seed in recommendation.seeds) or 'an uploaded file'}"


def _artists_and_title(result: Result) -> str:
    return " - ".join(filter(None, (", ".join(result.artists), result.title or result.urn)))


def _cell(text: str) -> str:
    """Return a cell, which alone of all our texts may have several lines."""
    return csv_cells.defuse("\n".join(map(clean, text.split("\n"))))


def _link(result: Result) -> str | None:
    """Return the link of a track where it is an address: a line of M3U that begins otherwise means something else."""
    link = clean(result.link or "")
    return link if _ADDRESS.match(link) else None


def _uri(result: Result, paths: Mapping[str, PlaylistPath]) -> str | None:
    path = paths.get(result.urn)
    return path.uri if path else _link(result)


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
