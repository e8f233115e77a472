"""What is stored of the files in a folder, beside them; both come in the order of the bytes of their paths."""

from __future__ import annotations

import asyncio
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final, TypeAlias

from soundalike.audio.file_tree import RegularFile
from soundalike.db import locations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from soundalike.audio.file_tree import TreeItem
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Subfolder
    from soundalike.db.locations import StoredLocation

_ITEMS: Final = 250
_ROWS: Final = 2_000

Pair: TypeAlias = "tuple[TreeItem | None, Sequence[StoredLocation]]"
"""Something in the folder with the locations that are stored of it; None with those of a file that was not met."""


async def pairs(pool: Pool, subfolder: Subfolder, items: Iterator[TreeItem]) -> AsyncIterator[Pair]:
    """Yield every item with what is stored of it, and what is stored of no item; little is in memory at a time."""
    stored = _stored_files(pool, subfolder)
    rows = await anext(stored, None)
    async for item in _in_threads(items):
        if not isinstance(item, RegularFile):
            yield item, ()
            continue
        while rows and rows[0].path < item.path:
            yield None, rows
            rows = await anext(stored, None)
        if rows and rows[0].path == item.path:
            yield item, rows
            rows = await anext(stored, None)
        else:
            yield item, ()
    while rows:
        yield None, rows
        rows = await anext(stored, None)


async def _in_threads(items: Iterator[TreeItem]) -> AsyncIterator[TreeItem]:
    """Yield from an iterator that waits for a disk, which may lie behind a network."""
    while batch := await asyncio.to_thread(lambda: list(islice(items, _ITEMS))):
        for item in batch:
            yield item


async def _stored_files(pool: Pool, subfolder: Subfolder) -> AsyncIterator[Sequence[StoredLocation]]:
    """Yield the locations of each stored file, in pages that are read one after the other."""
    prefix = subfolder.path + b"/" if subfolder.path else b""
    after = (prefix, "")
    rest: list[StoredLocation] = []
    while True:
        page = await locations.page(pool, subfolder.library, after=after, limit=_ROWS)
        files = [list(group) for _, group in groupby([*rest, *page], key=lambda row: row.path)]
        is_last = len(page) < _ROWS
        # The locations of the last file may go on in the next page.
        rest = [] if is_last or not files else files.pop()
        for rows in files:
            if not rows[0].path.startswith(prefix):
                return
            yield rows
        if is_last:
            return
        after = (page[-1].path, page[-1].segment)
