"""The folder in which a version is built; what a crash leaves in it is taken up, or cleared away, by the next build."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from soundalike.indexer.errors import BuilderBusy
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_LOCK: Final = "lock"
_PLAN: Final = "plan.json"
_MAX_PLAN_AGE_S: Final = 6 * 3_600
"""What was gathered longer ago is gathered anew."""


@dataclass(frozen=True, slots=True)
class BuildDir:
    """One folder a database, held by one process at a time; a process that dies lets go of it."""

    folder: Path

    @classmethod
    def of(cls, root: Path | None, database_url: str) -> Self:
        """Name the folder for a database in `root`, or among the temporary files; host and name tell it apart."""
        parts = urlsplit(database_url)
        mark = hashlib.sha256(f"{parts.hostname}:{parts.port}{parts.path}".encode()).hexdigest()[:12]
        return cls((root or Path(tempfile.gettempdir())) / f"soundalike-index-{mark}")

    @property
    def version(self) -> Path:
        """Folder of the files that will be published."""
        return self.folder / "version"

    def lock(self) -> BuildDirLock:
        """Hold the folder until the claim is released; raises `BuilderBusy` while another process, or thread, does."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(held)
            raise BuilderBusy(f"another build is at work in {self.folder}") from error
        return BuildDirLock(held)

    def load_plan(self) -> dict[str, Any] | None:
        """Return what the build that was here before has set out to do, or None where it did not get that far."""
        try:
            path = self.folder / _PLAN
            fresh = path.stat().st_mtime > time.time() - _MAX_PLAN_AGE_S
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if fresh and isinstance(found, dict) else None

    def save_plan(self, plan: dict[str, Any]) -> None:
        """Record that everything is gathered, and what will be built of it."""
        with atomic_write(self.folder / _PLAN) as path:
            path.write_text(json.dumps(plan), encoding="utf-8")

    def clear(self) -> None:
        """Remove everything but the lock."""
        for found in self.folder.iterdir() if self.folder.exists() else ():
            if found.is_dir():
                shutil.rmtree(found, ignore_errors=True)
            elif found.name != _LOCK:
                found.unlink(missing_ok=True)


class BuildDirLock:
    """A hold on a worksite. A build that was given up goes on in its thread for a while, and holds on for as long."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._holders = 1
        self._lock = threading.Lock()

    def share_with(self, work: Callable[[], Any]) -> Callable[[], Any]:
        """Return `work` with a hold of its own, which ends with it."""
        with self._lock:
            self._holders += 1

        def held() -> Any:
            try:
                return work()
            finally:
                self.release()

        return held

    def release(self) -> None:
        """Let go; with the last hold the folder is free."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
