"""The folder in which a version is built; the next build continues, or removes, what a crash leaves in it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from soundalike.indexer.errors import BuilderBusy
from soundalike.storage.atomic_files import atomic_write
from soundalike.storage.private_directories import private_directory, user_cache_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

_LOCK: Final = "lock"
_PLAN: Final = "plan.json"
_MAX_PLAN_AGE_S: Final = 6 * 3_600
"""An older export is not used any more."""


@dataclass(frozen=True, slots=True)
class BuildDir:
    """One folder per database and thing to build, locked by one process at a time; the lock ends with the process."""

    folder: Path

    @classmethod
    def of(cls, root: Path | None, database_url: str, what: str) -> Self:
        """Name the folder of `what` is built for a database, in `root` or this user's cache.

        It is unique by the host, port and name of the database.
        """
        parts = urlsplit(database_url)
        digest = hashlib.sha256(f"{parts.hostname}:{parts.port}{parts.path}".encode()).hexdigest()[:12]
        return cls((root or user_cache_directory() / "indexer") / f"soundalike-{what}-{digest}")

    @property
    def version(self) -> Path:
        """Folder of the files that will be published."""
        return self.folder / "version"

    def lock(self) -> BuildDirLock:
        """Make and lock the folder.

        Raises `BuilderBusy` while another process, or thread, holds the lock, and `UnusableDirectory` where others can
        write there.
        """
        private_directory(self.folder)
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise BuilderBusy(f"another build is running in {self.folder}") from error
        return BuildDirLock(descriptor)

    def remove_leftovers(self) -> None:
        """Remove what a killed build has left, but for what the next one continues; nothing while one is running."""
        try:
            with self.lock():
                if self.load_plan() is None:
                    self.clear()
                else:
                    self.remove_partial_files()
        except BuilderBusy:
            return

    def load_plan(self) -> dict[str, Any] | None:
        """Return the plan of the interrupted build, or None where there is none or it is too old."""
        try:
            path = self.folder / _PLAN
            fresh = path.stat().st_mtime > time.time() - _MAX_PLAN_AGE_S
            plan = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return plan if fresh and isinstance(plan, dict) else None

    def save_plan(self, plan: dict[str, Any]) -> None:
        """Record that the export is complete, and what will be built of it."""
        with atomic_write(self.folder / _PLAN) as path:
            path.write_text(json.dumps(plan), encoding="utf-8")

    def remove_partial_files(self) -> None:
        """Remove what a process that was killed had not written to the end; the lock has to be held."""
        for path in self.folder.rglob(".*.part"):
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove everything but the lock."""
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != _LOCK:
                path.unlink(missing_ok=True)


class BuildDirLock:
    """A lock on a build folder; an abandoned build still runs in its thread for a while, and keeps it for as long."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._holders = 1
        self._lock = threading.Lock()

    def share_with(self, work: Callable[[], Any]) -> Callable[[], Any]:
        """Return `work` as another holder of the lock, until it has ended."""
        with self._lock:
            self._holders += 1

        def locked_work() -> Any:
            try:
                return work()
            finally:
                self.release()

        return locked_work

    def release(self) -> None:
        """Release the lock; the folder is free after the last holder."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
