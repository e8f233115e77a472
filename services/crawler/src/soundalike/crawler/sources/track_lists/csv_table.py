"""Tables of tracks: Exportify, TuneMyMusic, Soundiiz, spreadsheets; columns are known by their names."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from soundalike.crawler.sources.track_lists.row import (
    TrackRow,
    clean_text,
    find_files,
    find_link,
    find_track_id,
    parse_seconds,
    validate_row,
)
from soundalike.domain import csv_cells
from soundalike.domain.artists import decide_cell, holds_tight_comma, read_credit
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.titles import artist_key, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
    "file": (
        "path",
        "filepath",
        "location",
        "file",
        "filename",
        "filelocation",
        "fullpath",
        "pfad",
        "dateipfad",
        "chemin",
    ),
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
    if not (columns.keys() & {"id", "isrc", "file"} or {"title", "artist"} <= columns.keys()):
        raise ValueError(
            "the first line must name the columns, among them Title and Artist, or ISRC, or Path, or Spotify URI; "
            f"it says {delimiter.join(header)[:200]!r}"
        )
    rows = [list(map(csv_cells.restore, cells)) for cells in table if any(cell.strip() for cell in cells)]
    artists_of = _artist_reader(_first("artist", cells, columns, header)[0] for cells in rows)
    return None, [validate_row(_row(cells, columns, header, artists_of)) for cells in rows]


def _columns(header: Sequence[str]) -> dict[str, list[int]]:
    folded = [fold(name).replace(" ", "") for name in header]
    return {
        what: places
        for what, names in _COLUMNS.items()
        if (places := [place for name in names for place, column in enumerate(folded) if column == name])
    }


def _first(
    what: str, cells: Sequence[str], columns: Mapping[str, Sequence[int]], header: Sequence[str]
) -> tuple[str, str]:
    for place in columns.get(what, ()):
        if place < len(cells) and (text := clean_text(cells[place])):
            return text, fold(header[place])
    return "", ""


def _artist_reader(artist_cells: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    """Return how the names in a cell of this table are told apart: by what the other cells show."""
    cells = set(artist_cells)
    tight = any(map(holds_tight_comma, cells))
    known = {artist_key(credited.name) for cell in cells for credited in read_credit([cell]) if credited.exact}
    return lambda cell: decide_cell(cell, lambda name: artist_key(name) in known, tight=tight)


def _row(
    cells: Sequence[str],
    columns: Mapping[str, Sequence[int]],
    header: Sequence[str],
    artists_of: Callable[[str], tuple[str, ...]],
) -> TrackRow:
    def first(what: str) -> tuple[str, str]:
        return _first(what, cells, columns, header)

    length, length_column = first("length")
    addresses = _ids(cells, columns, header)
    return TrackRow(
        title=first("title")[0],
        artists=artists_of(first("artist")[0]),
        album=first("album")[0] or None,
        seconds=parse_seconds(length, milliseconds="ms" in length_column.split() or "milliseconds" in length_column),
        isrc=normalised_isrc(first("isrc")[0]),
        id=find_track_id(addresses),
        link=find_link(addresses),
        files=find_files(cells[place] for place in columns.get("file", ()) if place < len(cells)),
    )


def _ids(cells: Sequence[str], columns: Mapping[str, Sequence[int]], header: Sequence[str]) -> list[str]:
    addresses = []
    for place in columns.get("id", ()):
        text = cells[place].strip() if place < len(cells) else ""
        addresses.append(f"deezer:track:{text}" if text.isdecimal() and "deezer" in fold(header[place]) else text)
    return addresses
