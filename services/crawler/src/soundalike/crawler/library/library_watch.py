"""Watching libraries: a folder in which something changes is scanned soon after."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from soundalike.crawler.errors import SourceLocked
from soundalike.crawler.library.folder_changes import Unwatchable, folder_changes
from soundalike.crawler.library.mounts import remote_type
from soundalike.db import libraries
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.libraries import Subfolder
from soundalike.domain.file_paths import display_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library
    from soundalike.http.errors import ServiceError

log = logging.getLogger(__name__)

PERIOD_S: Final = 900.0
"""How often a library is scanned that cannot be watched."""

_POLL_S: Final = 15.0
_RESTART_S: Final = 10.0
_RETRY_S: Final = 60.0
_ERROR_S: Final = 300.0

Scan: TypeAlias = "Callable[[Subfolder], Awaitable[ServiceError | None]]"
"""Scans a library or a folder of it, logs the result, and returns what ended the scan early."""


@dataclass(slots=True)
class LibraryWatch:
    """Watches one library: all of it is scanned at the beginning, and then each folder in which something changes.

    One that cannot be watched is scanned every `period_s` seconds, and one that is not there is waited for.
    """

    library: Library
    scan: Scan
    period_s: float = PERIOD_S
    restart_s: float = _RESTART_S
    _notes: set[str] = field(default_factory=set, init=False)
    _is_watching: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Watch until cancelled."""
        root = self.library.root
        while True:
            self._is_watching = False
            if not await asyncio.to_thread(os.path.isdir, root):
                self._tell("is not there: it is watched as soon as it is there again")
                await asyncio.sleep(self.restart_s)
                continue
            if kind := await asyncio.to_thread(remote_type, root):
                await self._scan_and_wait(f"it lies on another machine or a shared folder: {kind}")
                continue
            try:
                await self._follow_changes()
            except Unwatchable as error:
                if not self._is_watching:
                    await self._scan_and_wait(str(error))
                    continue
                log.info("%s is watched anew: %s", display_path(root), error)
            await asyncio.sleep(self.restart_s)

    async def _follow_changes(self) -> None:
        due, next_attempt = {b""}, 0.0
        async with aclosing(folder_changes(self.library.root)) as changes:  # type: ignore[type-var]
            async for folders in changes:
                if not self._is_watching:
                    self._is_watching = True
                    log.info("%s is watched", display_path(self.library.root))
                due |= folders
                if not due or (not folders and time.monotonic() < next_attempt):
                    continue
                due = {folder for folder in sorted(due) if not await self._scan_folder(folder)}
                next_attempt = time.monotonic() + _RETRY_S

    async def _scan_folder(self, folder: bytes) -> bool:
        """Scan a folder, and tell whether that has not to be repeated."""
        while True:
            failure = await self.scan(Subfolder(self.library, folder))
            if isinstance(failure, SourceLocked):
                return False
            if failure is None or not folder:
                return True
            # A folder in which nothing is left could be one whose disk is away: what lies around it tells.
            folder = folder.rpartition(b"/")[0]

    async def _scan_and_wait(self, reason: str) -> None:
        self._tell(f"cannot be watched ({reason}): it is scanned every {self.period_s / 60:g} minutes instead")
        await self.scan(Subfolder(self.library))
        await asyncio.sleep(self.period_s)

    def _tell(self, note: str) -> None:
        if note not in self._notes:
            self._notes.add(note)
            log.warning("%s %s", display_path(self.library.root), note)


@dataclass(slots=True)
class LibraryWatches:
    """The watches of all libraries that are to be watched, also of those that are added later.

    One folder is scanned at a time.
    """

    pool: Pool
    scan: Scan
    poll_s: float = _POLL_S
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                # The watcher of the lists says that the database is away.
                with suppress(*CONNECTION_FAILURES):
                    await self._take_up(
                        {library.id: library for library in await libraries.all_libraries(self.pool) if library.watched}
                    )
                await asyncio.sleep(self.poll_s)
        finally:
            await self._take_up({})

    async def _take_up(self, watched: Mapping[int, Library]) -> None:
        ended = [self._tasks.pop(key) for key in self._tasks.keys() - watched.keys()]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        for key in watched.keys() - self._tasks.keys():
            self._tasks[key] = asyncio.create_task(self._watch(LibraryWatch(watched[key], self._scan_in_turn)))

    async def _watch(self, watch: LibraryWatch) -> None:
        """Watch one library, the outermost place of a worker."""
        while True:
            try:
                await watch.run()
            except CONNECTION_FAILURES:
                await asyncio.sleep(_RETRY_S)
            except Exception:
                log.exception("watching %s failed with an unexpected error", display_path(watch.library.root))
                await asyncio.sleep(_ERROR_S)

    async def _scan_in_turn(self, subfolder: Subfolder) -> ServiceError | None:
        async with self._turn:
            return await self.scan(subfolder)
