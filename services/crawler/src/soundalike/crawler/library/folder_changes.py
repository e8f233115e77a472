"""The folders of a library in which something changes, as the system tells it."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import CrawlerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

QUIET_S: Final = 1.0
TICK_S: Final = 5.0
# It writes a line about every change.
logging.getLogger("watchfiles").setLevel(logging.WARNING)

_MAX_WAIT_MS: Final = 30_000
_MAX_PATHS: Final = 1_000
"""After more changes than these together the whole library is meant: some may have got lost."""


class Unwatchable(CrawlerError):
    """The system does not tell what changes in a folder; the message says why."""


async def folder_changes(root: bytes, *, quiet_s: float = QUIET_S, tick_s: float = TICK_S) -> AsyncIterator[set[bytes]]:
    """Yield the folders, relative to `root`, in which something changed: when nothing changes for `quiet_s` seconds.

    Where nothing changes at all it yields an empty set every `tick_s` seconds. From its first set on everything that
    changes is told. Ends when another folder has taken the place of the root, or none. Raises `Unwatchable`.
    """
    # Loads an event loop of its own, which no other part of the crawler needs.
    import watchfiles

    identity = await asyncio.to_thread(_identity, root)
    if identity is None:
        raise Unwatchable("it is not there")
    batches = watchfiles.awatch(
        os.fsdecode(root),
        watch_filter=None,
        # At the latest: of a long copy parts are told.
        debounce=_MAX_WAIT_MS,
        step=int(1000 * quiet_s),
        rust_timeout=int(1000 * tick_s),
        yield_on_timeout=True,
        force_polling=False,
        # With True a tree of which only a part can be watched would count as watched.
        ignore_permission_denied=False,
    )
    try:
        async with aclosing(batches):
            async for batch in batches:
                if await asyncio.to_thread(_identity, root) != identity:
                    return
                yield await asyncio.to_thread(changed_folders, root, [path for _, path in batch])
    except ExceptionGroup as group:
        # A name that is no UTF-8, for one.
        raise Unwatchable(str(group.exceptions[0])) from group
    except (OSError, RuntimeError) as error:
        raise Unwatchable(str(error)) from error


def changed_folders(root: bytes, paths: Iterable[str]) -> set[bytes]:
    """Return the folders that are there and hold the changed paths, relative to `root`; none lies in another."""
    changed = {os.fsencode(path) for path in paths}
    if len(changed) > _MAX_PATHS:
        return {b""}
    folders = {_folder_of(root, path) for path in changed}
    return {folder for folder in folders if not any(_is_inside(folder, other) for other in folders)}


def _folder_of(root: bytes, path: bytes) -> bytes:
    while path.startswith(root.rstrip(b"/") + b"/"):
        if os.path.isdir(path):  # noqa: PTH112 - bytes
            return os.path.relpath(path, root)
        path = os.path.dirname(path)  # noqa: PTH120 - bytes
    return b""


def _is_inside(folder: bytes, other: bytes) -> bool:
    return folder != other and (other == b"" or folder.startswith(other + b"/"))


def _identity(root: bytes) -> tuple[int, int] | None:
    try:
        status = os.stat(root)  # noqa: PTH116 - bytes
    except OSError:
        return None
    return status.st_dev, status.st_ino
