"""A program as the supervisor runs it: command, environment, log file, how it is stopped."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.domain.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
        return _launched(self.command, self.stop_signal, self.writable_paths)

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


def shown_command() -> str:
    """Return how the person who typed this command types `soundalike`."""
    typed = Path(sys.argv[0])
    if typed.name != "soundalike" or shutil.which("soundalike") == str(typed.absolute()):
        return "soundalike"
    with suppress(ValueError):
        return shlex.quote(str(typed.absolute().relative_to(Path.cwd())))
    return shlex.quote(str(typed))


async def run_in_terminal(
    command: list[str], environment: Mapping[str, str], force_stop: asyncio.Event, *, quiet: bool = False
) -> tuple[int, str]:
    """Run a program to its end on this terminal, and return its exit status and, where it is `quiet`, what it wrote.

    Ctrl-C reaches only this process: a cancelled wait sends SIGTERM and lasts until the program has ended, which
    `force_stop` hastens. The program ends with this process, however that ends.
    """
    output = asyncio.subprocess.PIPE if quiet else None
    process = await asyncio.create_subprocess_exec(
        *_launched(command, signal.SIGTERM),
        env=dict(environment),
        stdout=output,
        stderr=asyncio.subprocess.STDOUT if quiet else None,
        start_new_session=True,
    )
    communication = asyncio.ensure_future(process.communicate())
    try:
        written, _ = await asyncio.shield(communication)
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        forced = asyncio.ensure_future(force_stop.wait())
        await asyncio.wait({communication, forced}, return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        if not communication.done():
            process.kill()
            await asyncio.wait({communication})
        raise
    return process.returncode or 0, (written or b"").decode("utf-8", "replace")


def _launched(command: Sequence[str], death_signal: signal.Signals, writable_paths: Sequence[Path] = ()) -> list[str]:
    return [
        *python_command("soundalike.local.launch"),
        f"--parent={os.getpid()}",
        f"--death-signal={int(death_signal)}",
        *(f"--writable={path}" for path in writable_paths),
        "--",
        *command,
    ]


def open_log(path: Path) -> int:
    """Open a log for appending, readable by its owner only; the file descriptor is the caller's to close.

    Its folder is made where somebody has deleted it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
