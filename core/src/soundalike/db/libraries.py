"""Libraries: folders of music files that were scanned; none lies inside of another."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import asyncpg

    from soundalike.db.database import Connection, Executor


@dataclass(frozen=True, slots=True)
class Library:
    """A folder with the bytes of its absolute path; `scanned_at` is the end of the last complete scan.

    A `watched` one is scanned when something changes in it, and any one at its `interval`, if it has one.
    """

    id: int
    root: bytes
    watched: bool = False
    interval: timedelta | None = None
    scanned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subfolder:
    """A folder of a library: its path below the root, empty for the whole library."""

    library: Library
    path: bytes = b""


_COLUMNS = "id, root, watched, interval, scanned_at"

_LOCK = "LOCK TABLE libraries IN SHARE ROW EXCLUSIVE MODE"

_ALL = f"SELECT {_COLUMNS} FROM libraries ORDER BY root"  # noqa: S608 - a constant of this module

_GET = f"SELECT {_COLUMNS} FROM libraries WHERE root = $1"  # noqa: S608 - a constant of this module

_AROUND = f"""
SELECT {_COLUMNS} FROM libraries, LATERAL (
    SELECT CASE WHEN root = '/'::bytea THEN root ELSE root || '/'::bytea END AS below
) AS slash
WHERE root = $1 OR substring($1 for length(below)) = below
"""  # noqa: S608 - a constant of this module

_ADD = f"INSERT INTO libraries (root, watched) VALUES ($1, $2) RETURNING {_COLUMNS}"  # noqa: S608 - a constant

# `$2` is the root with a slash behind it.
_MOVE_INNER_LOCATIONS = """
UPDATE locations SET library = $1, path = substring(inner_library.root from length($2::bytea) + 1) || '/'::bytea || path
FROM libraries inner_library
WHERE inner_library.id = locations.library AND inner_library.id <> $1
    AND substring(inner_library.root for length($2::bytea)) = $2
"""

_DELETE_INNER = f"""
WITH inner_libraries AS (
    DELETE FROM libraries WHERE id <> $1 AND substring(root for length($2::bytea)) = $2 RETURNING watched, interval
)
UPDATE libraries SET
    watched = watched OR coalesce((SELECT bool_or(watched) FROM inner_libraries), false),
    interval = least(interval, (SELECT min(interval) FROM inner_libraries))
WHERE id = $1 RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant of this module

_WATCH = "UPDATE libraries SET watched = true WHERE id = $1"

_DELETE = "DELETE FROM libraries WHERE id = $1"

_SCANNED = "UPDATE libraries SET scanned_at = now() WHERE id = $1"

# An interval of zero is none; without `$2` it stays as it was. Sooner after a failure, with `$3`.
_SCHEDULE = """
UPDATE libraries SET interval = requested.every, due_at = now() + least($3::interval, requested.every)
FROM (SELECT nullif(coalesce($2::interval, interval), interval '0') AS every FROM libraries WHERE id = $1) AS requested
WHERE id = $1
"""

# The duration is also how long another crawler waits where this one dies.
_LEASE = f"""
UPDATE libraries SET due_at = now() + $1
WHERE id = (
    SELECT id FROM libraries WHERE due_at <= now() AND interval IS NOT NULL
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant of this module

_SECONDS_TO_NEXT = """
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM libraries WHERE interval IS NOT NULL
"""

_COUNT_SUBSCRIBED = "SELECT count(*) FROM libraries WHERE interval IS NOT NULL"


async def register(db: Connection, root: bytes, *, watched: bool = False) -> Subfolder:
    """Return the library that a folder (absolute, without links) is or lies in, made where there is none.

    Libraries inside of a new one become part of it with everything that is known of their files.
    """
    async with db.transaction():
        await db.execute(_LOCK)
        around = await containing(db, root)
        if around is None:
            row = await db.fetchrow(_ADD, root, watched)
            assert row is not None  # noqa: S101 - what was inserted is returned
            library, below = _read(row), _with_slash(root)
            await db.execute(_MOVE_INNER_LOCATIONS, library.id, below)
            row = await db.fetchrow(_DELETE_INNER, library.id, below)
            return Subfolder(_read(row) if row else library)
        if watched and not around.library.watched:
            await db.execute(_WATCH, around.library.id)
    return around


async def containing(db: Executor, path: bytes) -> Subfolder | None:
    """Return the library that an absolute path is or lies in, with the path below its root; None for another path."""
    row = await db.fetchrow(_AROUND, path)
    if row is None:
        return None
    library = _read(row)
    return Subfolder(library, path.removeprefix(library.root).lstrip(b"/"))


async def get(db: Executor, root: bytes) -> Library | None:
    """Return the library with this root, None where there is none."""
    row = await db.fetchrow(_GET, root)
    return _read(row) if row else None


async def all_libraries(db: Executor) -> list[Library]:
    """List every library by its root."""
    return [_read(row) for row in await db.fetch(_ALL)]


async def delete(db: Executor, library: Library) -> None:
    """Delete a library with its locations; what becomes of their tracks is told by `db.gone_tracks`."""
    await db.execute(_DELETE, library.id)


async def mark_scanned(db: Executor, library: Library) -> None:
    """Store that a scan of the whole library came to its end."""
    await db.execute(_SCANNED, library.id)


async def schedule(
    db: Executor, library: Library, interval: timedelta | None = None, *, retry_in: timedelta | None = None
) -> None:
    """Store when a library is due again after a scan; `interval` as in `db.playlists.schedule`."""
    await db.execute(_SCHEDULE, library.id, interval, retry_in)


async def lease_due(db: Executor, *, duration: timedelta) -> Library | None:
    """Lease the library that is due for longest; for `duration` nobody else gets it."""
    row = await db.fetchrow(_LEASE, duration)
    return _read(row) if row else None


async def seconds_to_next(db: Executor) -> float | None:
    """Return in how many seconds the next library is due, negative for one that is; None: never."""
    seconds = await db.fetchval(_SECONDS_TO_NEXT)
    return None if seconds is None else float(seconds)


async def count_subscribed(db: Executor) -> int:
    """Count the libraries that are scanned at intervals."""
    return int(await db.fetchval(_COUNT_SUBSCRIBED))


def _read(row: asyncpg.Record) -> Library:
    return Library(**row)


def _with_slash(root: bytes) -> bytes:
    return root.rstrip(b"/") + os.sep.encode()
