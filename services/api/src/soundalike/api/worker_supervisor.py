"""Several processes that answer on one port: the small process that starts, watches and ends them.

uvicorn's own supervisor (0.54) was measured with prometheus_client's multiprocess mode and is not used: of 32
connections that came at once to its one socket, one of two workers got all in half of the trials; workers outlive a
killed supervisor; requests of a killed worker stay in progress for ever in the metrics; a service that cannot start
ends with 0; and it has no time for draining, and no pause before it starts a dead worker again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundalike.api.multiprocess_metrics import MultiprocessMetrics
from soundalike.api.server import GRACE_S, STARTUP_FAILED, ShutdownPhase
from soundalike.retry import Backoff, RestartBackoff

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Iterator

    from soundalike.api.settings import ApiSettings

log = logging.getLogger(__name__)

_RESTART_BACKOFF: Final = Backoff(initial_s=0.5, max_s=30.0, jitter=0.0)
# A worker that lived so long died of something else than the one before it.
_STABLE_AFTER_S: Final = 60.0
# Beyond what a worker gives its requests; one that is stuck is killed then.
_KILL_AFTER_S: Final = GRACE_S + 8.0

# On Linux every worker listens on a socket of its own with the same port (socket(7), SO_REUSEPORT), for there the
# kernel deals new connections out evenly. On one socket that all share, whoever is awake takes them: of 32 connections
# that came at once one of two workers often got all. Elsewhere the option does not deal out, and the workers share one.
_REUSE_PORT: Final = sys.platform == "linux"


@dataclass(slots=True)
class WorkerSupervisor:
    """Keeps `settings.api_workers` workers alive until a signal comes, then lets all of them end."""

    settings: ApiSettings
    sockets: list[socket.socket]
    directory: Path
    _phase: ShutdownPhase = ShutdownPhase.SERVING
    _last_signal: int | None = None
    _failure_status: int | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _spawn_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _channels: dict[int, socket.socket] = field(default_factory=dict)
    _processes: dict[int, Process] = field(default_factory=dict)

    async def run(self) -> int:
        """Serve, and return the exit status."""
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self._on_signal, sig)
        log.info("%d workers on %s, port %d", self.settings.api_workers, self.settings.api_host, self.settings.api_port)
        try:
            async with asyncio.TaskGroup() as group:
                first, *others = range(self.settings.api_workers)
                group.create_task(self._keep_running(first))
                # What keeps one from starting keeps all, and one message of it is enough.
                await _wait_for_any(self._ready, self._stopping)
                for worker in others:
                    group.create_task(self._keep_running(worker))
        finally:
            for sig in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(sig)
                # What comes now changes nothing, the exit status least of all.
                signal.signal(sig, signal.SIG_IGN)
        if self._failure_status is not None:
            return self._failure_status
        return 130 if self._last_signal == signal.SIGINT else 0

    async def _keep_running(self, worker: int) -> None:
        backoff = RestartBackoff(_RESTART_BACKOFF, _STABLE_AFTER_S)
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                async with self._worker_process(worker) as process:
                    status = await process.wait()
                what = f"worker {worker} (pid {process.pid}) ended {_describe_exit(status)}"
            except OSError as error:
                status, what = STARTUP_FAILED, f"worker {worker} could not be started: {error}"
            if self._stopping.is_set():
                log.log(logging.WARNING if status else logging.INFO, "%s", what)
            elif not self._ready.is_set():
                log.error("%s before any served; the service ends", what)
                self._failure_status = status if status > 0 else 128 - status if status else STARTUP_FAILED
                self._advance_to(ShutdownPhase.FORCED)
            else:
                pause = backoff.delay_s(time.monotonic() - began)
                log.error("%s; another takes its place in %.1f s", what, pause)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()

    @asynccontextmanager
    async def _worker_process(self, worker: int) -> AsyncIterator[Process]:
        counts = MultiprocessMetrics(self.directory)
        channel, worker_end = socket.socketpair()
        channel.setblocking(False)
        listeners = []
        try:
            listeners = list(_bind_again(self.sockets)) if _REUSE_PORT else self.sockets
            process = await self._spawn(worker, worker_end, listeners)
        except OSError:
            channel.close()
            raise
        finally:
            # What a worker listens on is to be gone with it, so that the others get what comes meanwhile.
            for each in (worker_end, *(listeners if _REUSE_PORT else ())):
                each.close()
        self._channels[worker], self._processes[worker] = channel, process
        readiness = asyncio.create_task(self._await_ready(channel))
        try:
            counts.add_worker(worker, process.pid)
            if self._stopping.is_set():
                _send_phase(channel, self._phase)
            yield process
        finally:
            readiness.cancel()
            await asyncio.wait([readiness])
            del self._channels[worker], self._processes[worker]
            channel.close()
            counts.remove_worker(worker)

    async def _spawn(self, worker: int, channel: socket.socket, sockets: list[socket.socket]) -> Process:
        numbers = [each.fileno() for each in sockets]
        # Ctrl-C reaches every process at the terminal; the supervisor passes it on over the channel each time.
        async with self._spawn_lock:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                return await asyncio.create_subprocess_exec(
                    sys.executable,
                    *(["-P"] if sys.flags.safe_path else []),
                    *("-m", "soundalike.api.worker", f"--worker={worker}", f"--metrics={self.directory}"),
                    f"--channel={channel.fileno()}",
                    *(f"--listen={number}" for number in numbers),
                    env={**os.environ, **self._environment()},
                    pass_fds=(channel.fileno(), *numbers),
                )
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _environment(self) -> dict[str, str]:
        # One copy of the index for all, so that they share its pages.
        cache = self.settings.api_cache_dir or self.directory / "versions"
        return {**MultiprocessMetrics(self.directory).environment, "API_CACHE_DIR": str(cache)}

    async def _await_ready(self, channel: socket.socket) -> None:
        # The only message of a worker is that it answers.
        with suppress(OSError):
            if await asyncio.get_running_loop().sock_recv(channel, 1):
                self._ready.set()

    def _on_signal(self, sig: int) -> None:
        self._last_signal = sig
        self._advance_to(self._phase.after_signal(sig, drains=self.settings.api_drain_s > 0))

    def _advance_to(self, phase: ShutdownPhase) -> None:
        if phase <= self._phase:
            return
        self._phase = phase
        self._stopping.set()
        for channel in self._channels.values():
            _send_phase(channel, phase)
        loop = asyncio.get_running_loop()
        if phase is ShutdownPhase.DRAINING:
            loop.call_later(self.settings.api_drain_s, self._advance_to, ShutdownPhase.CLOSING)
            return
        for each in self.sockets:
            each.close()
        loop.call_later(_KILL_AFTER_S, self._kill)

    def _kill(self) -> None:
        for worker, process in self._processes.items():
            log.error("worker %d (pid %d) does not end and is killed", worker, process.pid)
            with suppress(ProcessLookupError):
                process.kill()


def serve(settings: ApiSettings) -> int:
    """Run the workers until a signal comes, and return the exit status of the service."""
    try:
        port = list(_bind(settings.api_host, settings.api_port))
    except OSError as error:
        log.error(error)  # noqa: TRY400 - says it all
        return STARTUP_FAILED
    with tempfile.TemporaryDirectory(prefix="soundalike-api-", ignore_cleanup_errors=True) as directory:
        return asyncio.run(WorkerSupervisor(settings, port, Path(directory)).run())


def _bind(host: str, port: int) -> Iterator[socket.socket]:
    """Yield sockets that hold a port, one for each address of the host, and do not listen."""
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            bound = _socket(family, kind, protocol)
            bound.bind(address)
        except OSError as error:
            # `localhost` may have an address of a family that this machine does not use.
            if error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL} and host == "localhost":
                continue
            # In the words of asyncio, which says it where one process listens by itself.
            message = f"error while attempting to bind on address {address!r}: {(error.strerror or '').lower()}"
            raise OSError(error.errno, message) from error
        if _REUSE_PORT:
            # Only now, so that a service which has the port already was in the way.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield bound


def _bind_again(sockets: list[socket.socket]) -> Iterator[socket.socket]:
    """Yield sockets of the same addresses, for one more process to listen on."""
    for other in sockets:
        opened = _socket(other.family, other.type, other.proto)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(other.getsockname())
        yield opened


def _socket(family: int, kind: int, protocol: int) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return opened


def _send_phase(channel: socket.socket, phase: ShutdownPhase) -> None:
    # One that has just ended does not listen any more.
    with suppress(OSError):
        channel.send(bytes([phase]))


def _describe_exit(status: int) -> str:
    if status >= 0:
        return f"with status {status}"
    return f"by {next((sig.name for sig in signal.Signals if sig == -status), f'signal {-status}')}"


async def _wait_for_any(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
