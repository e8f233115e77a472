"""A program as the supervisor runs it: command, environment, log file, how it is stopped."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soundalike.domain.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """One child process.

    `writable_paths` are for a program that refuses to run as root: what it must be able to write. Without any it runs
    as the user who starts it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log_file: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 30.0
    writable_paths: tuple[Path, ...] = ()

    def launch_command(self) -> list[str]:
        """Build the command line that starts the program as a child of this very process."""
        return [
            *python_command("soundalike.local.launch"),
            f"--parent={os.getpid()}",
            f"--death-signal={int(self.stop_signal)}",
            *(f"--writable={path}" for path in self.writable_paths),
            "--",
            *self.command,
        ]

    def log_tail(self, count: int = 12) -> str:
        """Return the last lines of its log."""
        try:
            text = self.log_file.read_text(encoding="utf-8", errors="replace")
            return "\n".join(map(escape, text.splitlines()[-count:]))
        except FileNotFoundError:
            return ""


def python_command(module: str, *arguments: str) -> list[str]:
    """Build the command line of a module of this environment; files of the working directory do not shadow it."""
    return [sys.executable, "-P", "-m", module, *arguments]


def open_log(path: Path) -> int:
    """Open a log for appending, readable by its owner only; the file descriptor is the caller's to close.

    Its folder is made where somebody has deleted it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
