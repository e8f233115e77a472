"""Which tracks lie at which paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.db.locations import FORMER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import asyncpg

    from soundalike.db.database import Executor
    from soundalike.db.libraries import Library

_COLUMNS = "l.library, l.path, l.segment, l.urn, l.gone_at IS NOT NULL AS is_gone, l.ignored"

_AT = f"""
SELECT {_COLUMNS} FROM locations l
JOIN unnest($1::integer[], $2::bytea[]) AS named (library, path) USING (library, path)
WHERE NOT starts_with(l.segment, '{FORMER}')
"""  # noqa: S608 - constants

_PAGE = f"""
SELECT {_COLUMNS} FROM locations l
WHERE l.library = $1 AND (l.path, l.segment) > ($2, $3) AND l.urn IS NOT NULL AND NOT starts_with(l.segment, '{FORMER}')
ORDER BY l.path, l.segment LIMIT $4
"""  # noqa: S608 - constants

_PAGE_SIZE = 5_000


@dataclass(frozen=True, slots=True)
class LocatedTrack:
    """A track that lies, or lay, in a file of a library, or in a segment of it; None: a file without, and why."""

    library: int
    path: bytes
    segment: str
    urn: str | None
    is_gone: bool
    ignored: str | None


async def at(db: Executor, places: Sequence[tuple[int, bytes]]) -> list[LocatedTrack]:
    """Return what is known of files, each given by the id of its library and its path there."""
    rows = await db.fetch(_AT, [library for library, _ in places], [path for _, path in places])
    return [_read(row) for row in rows]


async def stream(db: Executor, library: Library) -> AsyncIterator[LocatedTrack]:
    """Yield every track of a library by path and segment; little is in memory at a time."""
    after = (b"", "")
    while rows := await db.fetch(_PAGE, library.id, *after, _PAGE_SIZE):
        for row in rows:
            yield _read(row)
        after = (rows[-1]["path"], rows[-1]["segment"])


def _read(row: asyncpg.Record) -> LocatedTrack:
    return LocatedTrack(**row)
