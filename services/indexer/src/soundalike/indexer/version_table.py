"""The versions as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from soundalike.db.index_versions import IndexVersionRecord

_HEADER = ("version", "state", "tracks", "up to change", "recall@10", "engine", "projection", "built", "published")


def render(versions: Sequence[IndexVersionRecord]) -> list[str]:
    """Return the versions in columns, one per line."""
    if not versions:
        return ["no version was built yet"]
    rows = [_HEADER, *(_row(version) for version in versions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(version: IndexVersionRecord) -> tuple[str, ...]:
    parameters = version.parameters
    return (
        version.version,
        f"{version.state}, pinned" if version.pinned else str(version.state),
        str(version.tracks),
        str(version.up_to_seq),
        f"{version.recall_at_10:.3f}",
        str(parameters.get("engine", "")),
        str(parameters.get("projection", {}).get("kind", "")),
        _moment(version.created_at),
        _moment(version.published_at),
    )


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "never"
