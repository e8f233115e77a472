"""A lock on a directory that several processes share."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_POLL_S: Final = 0.1
_LOCKED_ERRNOS: Final = {errno.EAGAIN, errno.EACCES}


@asynccontextmanager
async def directory_lock(directory: Path) -> AsyncIterator[None]:
    """Hold `directory` while the block runs and no other process does; nothing is written into it.

    The system frees what a dead process held. Where the file system knows no locks, nobody waits.
    """
    descriptor = await asyncio.to_thread(os.open, directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Never waiting in the system: a thread that does so cannot be told that the process ends.
        while not _try_lock(descriptor):  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _LOCKED_ERRNOS
    return True
