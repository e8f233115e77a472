"""Duplicates in print: for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from soundalike.crawler.library.duplicates import wasted_bytes
from soundalike.domain.csv_cells import defuse
from soundalike.domain.file_paths import display_path, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from soundalike.crawler.library.duplicates import Duplicate

_COLUMNS: Final = ("group", "relation", "path", "bytes", "format", "duration_ms", "title", "artists", "track")


def lines(groups: Sequence[Sequence[Duplicate]]) -> Iterator[str]:
    """Yield the lines of a report for people."""
    if not groups:
        yield "no file of your libraries is there twice"
        return
    for group in groups:
        first = group[0].track
        yield f"{first.title} by {', '.join(first.artists) or 'nobody'}:"
        for each in group:
            yield "  ".join(
                (
                    f"  {each.relation:<14}",
                    f"{_format(each):<5}",
                    f"{each.file.stamp.size / 1e6:7.1f} MB",
                    f"{_length(each.track.duration_ms):>7}",
                    display_path(each.file.location.absolute_path),
                )
            )
    yield (
        f"{sum(map(len, groups))} files of {len(groups)} recordings; all but the first of each take "
        f"{wasted_bytes(groups) / 1e6:.1f} MB. Nothing was deleted"
    )


def to_json(groups: Sequence[Sequence[Duplicate]]) -> str:
    r"""Return a JSON document; bytes of a path that are no UTF-8 are `\udc80` to `\udcff`, as Python reads them."""
    content = [
        [
            {
                "relation": str(each.relation),
                "path": path_text(each.file.location.absolute_path),
                "bytes": each.file.stamp.size,
                "format": _format(each),
                "duration_ms": each.track.duration_ms,
                "title": each.track.title,
                "artists": list(each.track.artists),
                "track": each.track.id.urn,
            }
            for each in group
        ]
        for group in groups
    ]
    return json.dumps({"groups": content, "wasted_bytes": wasted_bytes(groups)}, indent=2) + "\n"


def to_csv(groups: Sequence[Sequence[Duplicate]]) -> str:
    """Return a CSV document with a line for each file; files of one `group` are one recording."""
    document = io.StringIO()
    writer = csv.writer(document, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(_COLUMNS)
    for number, group in enumerate(groups, 1):
        for each in group:
            texts = (
                display_path(each.file.location.absolute_path),
                _format(each),
                each.track.title,
                "; ".join(each.track.artists),
                each.track.id.urn,
            )
            path, kind, title, artists, urn = map(defuse, texts)
            length = "" if each.track.duration_ms is None else each.track.duration_ms
            writer.writerow((number, str(each.relation), path, each.file.stamp.size, kind, length, title, artists, urn))
    return document.getvalue()


def _format(duplicate: Duplicate) -> str:
    return PurePosixPath(display_path(duplicate.file.location.path)).suffix.removeprefix(".").lower() or "?"


def _length(duration_ms: int | None) -> str:
    if duration_ms is None:
        return "?"
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"
