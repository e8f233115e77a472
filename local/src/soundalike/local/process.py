"""What the system knows about a process, by its number."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_S = 0.05


def is_alive(pid: int) -> bool:
    """Tell whether a process of that number runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def command_line(pid: int) -> list[str]:
    """Return program and arguments of a running process, or an empty list."""
    if platform.system() == "Linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")[:-1]
        except (FileNotFoundError, ProcessLookupError):
            return []
    return _ps(pid, "command").split()


def process_mark(pid: int) -> str | None:
    """Return a mark that tells a process from earlier and later ones of its number; None when it has ended."""
    if platform.system() == "Linux":
        fields = _stat(pid)
        return f"{_boot()}/{fields[19]}" if fields and fields[0] != "Z" else None
    return (_ps(pid, "lstart") or None) if is_alive(pid) else None


def pids_in(folder: Path) -> list[int]:
    """List the processes whose working directory is `folder` (Linux; empty elsewhere)."""
    if platform.system() != "Linux":
        return []
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_in(entry, folder)]


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until `condition` is true and tell whether it became so; blocks for `timeout_s` seconds at most."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _is_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:  # ended, or of another user
        return False


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _state(pid: int) -> str:
    if platform.system() == "Linux":
        fields = _stat(pid)
        return fields[0] if fields else "Z"
    return _ps(pid, "state")[:1]


def _stat(pid: int) -> list[str]:
    # The second field is the program's name in parentheses and may contain anything, even spaces (proc(5)).
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _ps(pid: int, column: str) -> str:
    result = subprocess.run(["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return result.stdout.strip()
