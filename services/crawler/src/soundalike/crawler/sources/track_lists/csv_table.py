"""Tables of tracks: Exportify, TuneMyMusic, Soundiiz, spreadsheets; columns are known by their names."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from soundalike.crawler.sources.track_lists.row import TrackRow, clean_text, find_track_id, parse_seconds, validate_row
from soundalike.domain import csv_cells
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.title_notes import SPACES
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.crawler.sources.track_lists.row import Row

_DELIMITERS: Final = ",;\t|"
_MAX_CELL_LENGTH: Final = 1_000_000
# Folded names without spaces, the surest first.
_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "title": (
        *("trackname", "tracktitle", "songname", "songtitle", "song", "title", "track", "name"),
        *("titel", "titre", "titolo", "titulo", "nombre", "название", "曲名", "タイトル"),
    ),
    "artist": (
        *("artistnames", "artistname", "trackartist", "artists", "artist", "creator", "performer"),
        *(
            "kunstler",
            "interpret",
            "artiste",
            "artista",
            "исполнитель",
            "アーティスト",
            "albumartistnames",
            "albumartist",
        ),
    ),
    "album": ("albumname", "albumtitle", "album", "release"),
    "length": (
        *("trackdurationms", "durationms", "durationinms", "milliseconds", "totaltime"),
        *("durations", "durationseconds", "duration", "length", "time", "dauer", "duree", "seconds"),
    ),
    "isrc": ("isrc", "isrccode", "externalidsisrc"),
    "id": (
        *("trackuri", "spotifyuri", "spotifytrackuri", "spotifyid", "spotifytrackid", "trackid", "uri"),
        *(
            "spotifyurl",
            "spotifylink",
            "trackurl",
            "tracklink",
            "url",
            "link",
            "deezerid",
            "deezerurl",
            "deezerlink",
            "id",
        ),
    ),
}
# Spreadsheets write it for each other.
_SEPARATOR_LINE: Final = re.compile(r"^sep=.\r?\n", re.IGNORECASE)
_ARTIST_SEPARATOR: Final = re.compile(rf"{SPACES}?(?:;\s*|,\s+(?!the\b)|\|\s*)", re.IGNORECASE)


def read(text: str) -> tuple[str | None, list[Row]]:
    """Read a table whose first line names its columns; raises ValueError when these tell no track."""
    table_text = _SEPARATOR_LINE.sub("", text.lstrip("\ufeff\r\n"), count=1)
    if not table_text:
        raise ValueError("the file is empty")
    first_line = table_text.partition("\n")[0]
    csv.field_size_limit(_MAX_CELL_LENGTH)
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        lines = io.StringIO(table_text, newline="")
        header, *table = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise ValueError(f"this is not a table of comma-separated values ({error})") from error
    columns = _columns(header)
    if not ("id" in columns or "isrc" in columns or {"title", "artist"} <= columns.keys()):
        raise ValueError(
            "the first line must name the columns, among them Title and Artist, or ISRC, or Spotify URI; "
            f"it says {delimiter.join(header)[:200]!r}"
        )
    rows = (list(map(csv_cells.restore, cells)) for cells in table if any(cell.strip() for cell in cells))
    return None, [validate_row(_row(cells, columns, header)) for cells in rows]


def _columns(header: Sequence[str]) -> dict[str, list[int]]:
    folded = [fold(name).replace(" ", "") for name in header]
    return {
        what: places
        for what, names in _COLUMNS.items()
        if (places := [place for name in names for place, column in enumerate(folded) if column == name])
    }


def _row(cells: Sequence[str], columns: Mapping[str, Sequence[int]], header: Sequence[str]) -> TrackRow:
    def first(what: str) -> tuple[str, str]:
        for place in columns.get(what, ()):
            if place < len(cells) and (text := clean_text(cells[place])):
                return text, fold(header[place])
        return "", ""

    artist, _ = first("artist")
    length, length_column = first("length")
    return TrackRow(
        title=first("title")[0],
        artists=tuple(name for name in _ARTIST_SEPARATOR.split(artist) if name),
        album=first("album")[0] or None,
        seconds=parse_seconds(length, milliseconds="ms" in length_column.split() or "milliseconds" in length_column),
        isrc=normalised_isrc(first("isrc")[0]),
        id=find_track_id(_ids(cells, columns, header)),
    )


def _ids(cells: Sequence[str], columns: Mapping[str, Sequence[int]], header: Sequence[str]) -> list[str]:
    addresses = []
    for place in columns.get("id", ()):
        text = cells[place].strip() if place < len(cells) else ""
        addresses.append(f"deezer:track:{text}" if text.isdecimal() and "deezer" in fold(header[place]) else text)
    return addresses
