"""Child processes: started in order, restarted after a crash, stopped in reverse order."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soundalike.local.errors import InvalidSettings, LocalPlatformError, StartFailure
from soundalike.local.launch import EX_CONFIG
from soundalike.local.program import open_log
from soundalike.retry import Backoff, RestartBackoff

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable

    from soundalike.local.pidfile import Pidfile
    from soundalike.local.program import Program

_MAX_START_ATTEMPTS = 3
"""How many times a program may end before it has become ready."""


RESTART_BACKOFF = Backoff(initial_s=0.5, max_s=10.0, jitter=0.0)
STABLE_AFTER_S = 30.0
"""After a run of so many seconds the wait before a restart begins anew."""


@dataclass(slots=True)
class _Child:
    program: Program
    process: Process | None = None
    task: asyncio.Task[None] | None = None
    prepare: Callable[[], None] | None = None
    recover: Callable[[], Awaitable[None]] | None = None
    ready: bool = False
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Keeps programs running; use it from one event loop in the main thread, and call `stop` at the end."""

    def __init__(self, pidfile: Pidfile, *, report: Callable[[str], None], backoff: Backoff = RESTART_BACKOFF) -> None:
        self._pidfile = pidfile
        self._report = report
        self._backoff = backoff
        self._children: list[_Child] = []
        self.force_stop = asyncio.Event()
        """Set it to kill the programs that are slow to stop."""

    async def start(
        self,
        program: Program,
        ready: Callable[[], Awaitable[None]] | None = None,
        *,
        prepare: Callable[[], None] | None = None,
        recover: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Start a program, keep it running, and return when `ready` returns.

        `prepare` runs in a thread before every start, also the first; `recover` after every other start, again and
        again until it succeeds or the program ends.

        Raises `InvalidSettings` or `StartFailure` with the end of the log when it gives up, or what `prepare` or
        `ready` raises.
        """
        child = _Child(program, prepare=prepare, recover=recover)
        self._children.append(child)
        child.task = asyncio.create_task(self._keep_alive(child), name=f"keep {program.name}")
        if ready is not None:
            await self._wait_until_ready(asyncio.ensure_future(ready()), child.task)
        child.ready = True

    async def run(self, program: Program) -> None:
        """Run a program to its end; raises `StartFailure` or `InvalidSettings` unless it succeeds."""
        process = await self._spawn(program)
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.send_signal(program.stop_signal)
            await process.wait()
            raise
        finally:
            self._clean_up(process)
        if status != 0:
            raise _failure(program, status)

    async def watch(self) -> None:
        """Wait until a program fails for good, and raise why (`InvalidSettings`)."""
        tasks = [child.task for child in self._children if child.task is not None]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Stop all programs, the last started first; kill one that is slower than its timeout, or on `force_stop`."""
        for child in reversed(self._children):
            child.stop_requested.set()
            if child.task is None:
                continue
            _send_stop_signal(child)
            forced = asyncio.ensure_future(self.force_stop.wait())
            await asyncio.wait(
                {child.task, forced}, timeout=child.program.stop_timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            forced.cancel()
            if not child.task.done():
                self._report(f"{child.program.name} does not stop, killing it")
                if child.process is not None:
                    _kill_group(child.process.pid)
                await asyncio.wait({child.task})
            # `start` or `watch` has raised it.
            child.task.exception()
        self._children.clear()

    @property
    def names(self) -> list[str]:
        """Names of the programs, in the order of their start."""
        return [child.program.name for child in self._children]

    def pid(self, name: str) -> int:
        """Return the pid of a running program; raises KeyError."""
        for child in self._children:
            if child.program.name == name and child.process is not None and child.process.returncode is None:
                return child.process.pid
        raise KeyError(name)

    async def _keep_alive(self, child: _Child) -> None:
        loop, program = asyncio.get_running_loop(), child.program
        exits, backoff = 0, RestartBackoff(self._backoff, STABLE_AFTER_S)
        while not child.stop_requested.is_set():
            started = loop.time()
            try:
                child.process = await self._prepare_and_spawn(child)
            except (LocalPlatformError, OSError) as error:
                if not child.ready:
                    raise
                delay = backoff.delay_s(0.0)
                self._report(f"{program.name} cannot be started again: {error}; trying again in {delay:g} s")
                await _pause(child, delay)
                continue
            if child.stop_requested.is_set():
                _send_stop_signal(child)
            recovery = asyncio.create_task(self._recover(child)) if exits else None
            status = await child.process.wait()
            self._clean_up(child.process)
            if recovery is not None:
                recovery.cancel()
                await asyncio.wait({recovery})
            if child.stop_requested.is_set():
                return
            exits += 1
            if status == EX_CONFIG or (exits >= _MAX_START_ATTEMPTS and not child.ready):
                raise _failure(program, status)
            delay = backoff.delay_s(loop.time() - started)
            end = f"{program.name} ended ({_describe_status(status)}), see {program.log_file}"
            self._report(f"{end}; restarting in {delay:g} s")
            await _pause(child, delay)

    async def _recover(self, child: _Child) -> None:
        if child.recover is None:
            return
        for attempt in itertools.count(1):
            try:
                await child.recover()
            except (LocalPlatformError, OSError) as error:
                delay = self._backoff.delay_s(attempt)
                end = f"{child.program.name} runs again, but its recovery failed"
                self._report(f"{end}; trying again in {delay:g} s: {error}")
                await asyncio.sleep(delay)
            else:
                self._report(f"{child.program.name} runs again")
                return

    async def _prepare_and_spawn(self, child: _Child) -> Process:
        if child.prepare is not None:
            await asyncio.to_thread(child.prepare)
        return await self._spawn(child.program)

    async def _spawn(self, program: Program) -> Process:
        log = open_log(program.log_file)
        try:
            process = await asyncio.create_subprocess_exec(
                *program.launch_command(),
                env=dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal reaches only the supervisor, which stops the others in order.
                start_new_session=True,
            )
        finally:
            os.close(log)
        try:
            self._pidfile.add(program.name, process.pid, program.stop_signal)
        except OSError:
            # A disk that is full: what no file names would be left behind by a platform that is killed.
            _kill_group(process.pid)
            await process.wait()
            raise
        return process

    def _clean_up(self, process: Process) -> None:
        # The children of a program that was killed would go on running.
        _kill_group(process.pid)
        # An entry that stays does no harm: a later process of that number has another mark.
        with suppress(OSError):
            self._pidfile.remove(process.pid)

    @staticmethod
    async def _wait_until_ready(ready: asyncio.Future[None], supervision: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait({ready, supervision}, return_when=asyncio.FIRST_COMPLETED)
            await (supervision if supervision.done() else ready)
        finally:
            ready.cancel()


async def _pause(child: _Child, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await child.stop_requested.wait()


def _send_stop_signal(child: _Child) -> None:
    if child.process is not None and child.process.returncode is None:
        with suppress(ProcessLookupError):
            child.process.send_signal(child.program.stop_signal)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _failure(program: Program, status: int) -> StartFailure:
    message = (
        f"{program.name} ended with {_describe_status(status)}. The end of {program.log_file}:\n{program.log_tail()}"
    )
    return InvalidSettings(message) if status == EX_CONFIG else StartFailure(message)


def _describe_status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
