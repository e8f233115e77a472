"""The running processes, in a file on disk: a platform that was killed may leave some of them behind."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from soundalike.local.process import process_mark
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from pathlib import Path

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """A process when it was started: leader of its own process group."""

    name: str
    pid: int
    mark: str
    stop_signal: int

    def is_running(self) -> bool:
        """Tell whether this very process still runs, not another one with its number."""
        return process_mark(self.pid) == self.mark


class Pidfile:
    """Processes that were started and have not ended yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[int, ProcessEntry] = {}

    def add(self, name: str, pid: int, stop_signal: signal.Signals) -> None:
        """Add a process that has just been started."""
        mark = process_mark(pid)
        if mark is not None:
            self._entries[pid] = ProcessEntry(name, pid, mark, int(stop_signal))
            self._save()

    def remove(self, pid: int) -> None:
        """Remove a process that has ended."""
        if self._entries.pop(pid, None) is not None:
            self._save()

    def running_names(self) -> set[str]:
        """Read from disk the names of the programs that run now, whichever platform started them."""
        return {entry.name for entry in self._read() if entry.is_running()}

    def stop_leftovers(self, *, stop_timeout_s: float) -> list[str]:
        """Stop what an earlier platform left running, the last started first; returns the names. Blocks."""
        stopped = [entry.name for entry in reversed(self._read()) if _stop(entry, stop_timeout_s)]
        self._path.unlink(missing_ok=True)
        return stopped

    def _read(self) -> list[ProcessEntry]:
        try:
            return TypeAdapter(list[ProcessEntry]).validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return []

    def _save(self) -> None:
        write_private(self._path, json.dumps([asdict(entry) for entry in self._entries.values()]) + "\n")


def _stop(entry: ProcessEntry, stop_timeout_s: float) -> bool:
    if not entry.is_running():
        return False
    with suppress(ProcessLookupError):
        os.kill(entry.pid, entry.stop_signal)
    deadline = time.monotonic() + stop_timeout_s
    while entry.is_running():
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(entry.pid, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(_POLL_S)
    return True
