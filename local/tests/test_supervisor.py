from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from soundalike.local.errors import InvalidSettings, StartFailure
from soundalike.local.pidfile import Pidfile
from soundalike.local.process import is_alive
from soundalike.local.program import Program
from soundalike.local.supervisor import RESTART_BACKOFF, STABLE_AFTER_S, Supervisor
from soundalike.retry import Backoff, RestartBackoff
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

_OBEDIENT = """
import pathlib, signal, sys, time
journal = pathlib.Path(sys.argv[1])
def end(*_):
    with journal.open("a") as file: file.write(f"stop {sys.argv[2]}\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with journal.open("a") as file: file.write(f"start {sys.argv[2]}\\n")
while True: time.sleep(60)
"""

_STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text("up\\n")
while True: time.sleep(60)
"""

_PARENT = """
import pathlib, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(f"{helper.pid}\\n")
time.sleep(600)
"""


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
async def supervisor(tmp_path: Path, reports: list[str]) -> AsyncIterator[Supervisor]:
    pidfile = Pidfile(tmp_path / "processes.json")
    supervisor = Supervisor(pidfile, report=reports.append, backoff=Backoff(initial_s=0.01, jitter=0.0))
    yield supervisor
    await supervisor.stop()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(name: str, script: str, *arguments: str, stop_timeout_s: float = 30.0) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-c", script, *arguments),
            environment={"PATH": os.environ["PATH"]},
            log_file=tmp_path / f"{name}.log",
            stop_timeout_s=stop_timeout_s,
        )

    return make


def _lines(path: Path) -> list[str]:
    # A line is there when its end is.
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


async def _content(path: Path, lines: int = 1) -> str:
    await eventually(lambda: len(_lines(path)) >= lines)
    return "\n".join(_lines(path))


async def test_programs_stop_in_reverse_order(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    for number, name in enumerate(("first", "second", "third"), 1):
        await supervisor.start(program(name, _OBEDIENT, str(journal), name))
        await _content(journal, lines=number)
    await supervisor.stop()
    assert _lines(journal) == [
        *("start first", "start second", "start third"),
        *("stop third", "stop second", "stop first"),
    ]


async def test_the_pidfile_names_what_runs(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    pidfile, journal = Pidfile(tmp_path / "processes.json"), tmp_path / "journal"
    assert pidfile.running_names() == set()
    await supervisor.start(program("one", _OBEDIENT, str(journal), "one"))
    await supervisor.start(program("two", _OBEDIENT, str(journal), "two"))
    await _content(journal, lines=2)
    assert supervisor.names == ["one", "two"]
    assert pidfile.running_names() == {"one", "two"}
    listed = (tmp_path / "processes.json").read_bytes()
    await supervisor.stop()
    (tmp_path / "processes.json").write_bytes(listed)
    assert pidfile.running_names() == set()


async def test_a_killed_program_is_restarted(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path, reports: list[str]
) -> None:
    journal = tmp_path / "journal"
    await supervisor.start(program("worker", _OBEDIENT, str(journal), "worker"))
    pids = set()
    for number in range(1, 6):
        await _content(journal, lines=number)
        pids.add(supervisor.pid("worker"))
        os.kill(supervisor.pid("worker"), signal.SIGKILL)
    await _content(journal, lines=6)
    assert len(pids) == 5
    assert supervisor.pid("worker") not in pids
    assert reports[0].startswith("worker ended (SIGKILL), see ")
    assert reports[0].endswith("worker.log; restarting in 0.01 s")


async def test_recovery_is_tried_until_it_succeeds(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path, reports: list[str]
) -> None:
    journal, recovered = tmp_path / "journal", asyncio.Event()
    outcomes = iter([StartFailure("the database is gone"), OSError("no space left on device"), None])

    async def recover() -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome
        recovered.set()

    await supervisor.start(program("worker", _OBEDIENT, str(journal), "worker"), recover=recover)
    await _content(journal)
    os.kill(supervisor.pid("worker"), signal.SIGKILL)
    await eventually(recovered.is_set, "the third try of the recovery")
    await eventually(lambda: len(reports) == 4)
    assert reports[1:] == [
        "worker runs again, but its recovery failed; trying again in 0.01 s: the database is gone",
        "worker runs again, but its recovery failed; trying again in 0.02 s: no space left on device",
        "worker runs again",
    ]


async def test_a_recovery_ends_with_the_program_it_is_for_and_begins_anew(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    journal, begun, ended = tmp_path / "journal", 0, 0

    async def recover() -> None:
        nonlocal begun, ended
        begun += 1
        try:
            if begun < 3:
                await asyncio.Event().wait()
        finally:
            ended += 1

    await supervisor.start(program("worker", _OBEDIENT, str(journal), "worker"), recover=recover)
    for number in (1, 2, 3):
        await _content(journal, lines=number)
        await eventually(lambda number=number: begun == number - 1)
        os.kill(supervisor.pid("worker"), signal.SIGKILL)
    await eventually(lambda: ended == 3)


async def test_a_program_is_prepared_before_every_start_and_its_failure_is_no_end(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path, reports: list[str]
) -> None:
    journal = tmp_path / "journal"
    outcomes = iter([None, StartFailure("an earlier one does not stop"), None])

    def prepare() -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome

    await supervisor.start(program("worker", _OBEDIENT, str(journal), "worker"), prepare=prepare)
    await _content(journal)
    os.kill(supervisor.pid("worker"), signal.SIGKILL)
    await _content(journal, lines=2)
    assert reports[1].startswith("worker cannot be started again: an earlier one does not stop; trying again in ")


async def test_a_program_is_started_again_though_the_folder_of_its_log_was_deleted(
    supervisor: Supervisor, program: Callable[..., Program], private_folder: Path, tmp_path: Path
) -> None:
    journal, logs = tmp_path / "journal", private_folder / "logs"
    worker = replace(program("worker", _OBEDIENT, str(journal), "worker"), log_file=logs / "worker.log")
    await supervisor.start(worker)
    await _content(journal)
    shutil.rmtree(logs)
    os.kill(supervisor.pid("worker"), signal.SIGKILL)
    assert await _content(journal, lines=2) == "start worker\nstart worker"
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700


async def test_children_of_a_killed_program_are_killed_too(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    note = tmp_path / "helper"
    await supervisor.start(program("parent", _PARENT, str(note)))
    helper = int(await _content(note))
    os.kill(supervisor.pid("parent"), signal.SIGKILL)
    await eventually(lambda: not is_alive(helper))
    await supervisor.stop()


async def test_invalid_settings_are_no_crash(supervisor: Supervisor, program: Callable[..., Program]) -> None:
    misconfigured = program("worker", "import sys; print('S3_BUCKET: it is not set', file=sys.stderr); sys.exit(78)")
    await supervisor.start(misconfigured)
    with pytest.raises(InvalidSettings, match="S3_BUCKET: it is not set"):
        await supervisor.watch()
    assert misconfigured.log_file.read_text(encoding="utf-8").count("S3_BUCKET") == 1


async def test_a_program_that_never_becomes_ready_fails(
    supervisor: Supervisor, program: Callable[..., Program]
) -> None:
    crashing = program("worker", "print('no such table'); raise SystemExit(1)")
    with pytest.raises(StartFailure, match="no such table"):
        await supervisor.start(crashing, asyncio.Event().wait)  # type: ignore[arg-type]
    assert crashing.log_file.read_text(encoding="utf-8").count("no such table") == 3


async def test_what_the_readiness_check_raises_is_raised(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    async def never() -> None:
        raise StartFailure("does not answer")

    with pytest.raises(StartFailure, match="does not answer"):
        await supervisor.start(program("worker", _OBEDIENT, str(tmp_path / "journal"), "worker"), never)


async def test_a_program_that_is_slower_than_its_timeout_is_killed(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path, reports: list[str]
) -> None:
    await supervisor.start(program("stubborn", _STUBBORN, str(tmp_path / "up"), stop_timeout_s=0.05))
    await _content(tmp_path / "up")
    pid = supervisor.pid("stubborn")
    await supervisor.stop()
    assert not is_alive(pid)
    assert reports == ["stubborn does not stop, killing it"]


async def test_a_forced_stop_waits_for_no_timeout(
    supervisor: Supervisor, program: Callable[..., Program], tmp_path: Path
) -> None:
    await supervisor.start(program("stubborn", _STUBBORN, str(tmp_path / "up"), stop_timeout_s=3600))
    await _content(tmp_path / "up")
    pid = supervisor.pid("stubborn")
    supervisor.force_stop.set()
    await supervisor.stop()
    assert not is_alive(pid)


async def test_run_raises_why_a_program_failed(supervisor: Supervisor, program: Callable[..., Program]) -> None:
    await supervisor.run(program("good", "print('done')"))
    with pytest.raises(StartFailure, match=r"exit status 3[\s\S]*the bucket is gone"):
        await supervisor.run(program("bad", "print('the bucket is gone'); raise SystemExit(3)"))
    with pytest.raises(InvalidSettings):
        await supervisor.run(program("misconfigured", "raise SystemExit(78)"))


@pytest.mark.parametrize(
    ("uptimes", "delays"),
    [
        ((1, 1, 1, 1, 1, 1, 1), (0.5, 1, 2, 4, 8, 10, 10)),
        ((1, 1, 31, 1), (0.5, 1, 0.5, 1)),
    ],
)
def test_delays_grow_and_are_reset(uptimes: tuple[float, ...], delays: tuple[float, ...]) -> None:
    backoff = RestartBackoff(RESTART_BACKOFF, STABLE_AFTER_S)
    assert tuple(backoff.delay_s(uptime_s) for uptime_s in uptimes) == delays


async def test_leftovers_of_a_killed_platform_are_stopped(program: Callable[..., Program], tmp_path: Path) -> None:
    path, journal = tmp_path / "processes.json", tmp_path / "journal"
    first = Supervisor(Pidfile(path), report=print)
    for number, name in enumerate(("one", "two"), 1):
        await first.start(program(name, _OBEDIENT, str(journal), name))
        await _content(journal, lines=number)
    content = path.read_text(encoding="utf-8")
    await first.stop()
    assert Pidfile(path).stop_leftovers(stop_timeout_s=1) == []

    second = Supervisor(Pidfile(path), report=print)
    await second.start(program("three", _OBEDIENT, str(journal), "three"))
    await _content(journal, lines=5)
    pid = second.pid("three")
    stopped = await asyncio.to_thread(Pidfile(path).stop_leftovers, stop_timeout_s=30)
    assert stopped == ["three"]
    assert not is_alive(pid)
    await second.stop()

    # Processes of those numbers, if there are any by now, are others.
    path.write_text(content, encoding="utf-8")
    assert Pidfile(path).stop_leftovers(stop_timeout_s=1) == []


async def test_programs_die_with_the_supervisor(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent died")
    note = tmp_path / "pid"
    child = f"import pathlib, os, time; pathlib.Path({str(note)!r}).write_text(f'{{os.getpid()}}\\n'); time.sleep(600)"
    script = f"""
import asyncio, os, pathlib, sys
from soundalike.local.program import Program
from soundalike.local.pidfile import Pidfile
from soundalike.local.supervisor import Supervisor
async def main():
    folder = pathlib.Path({str(tmp_path)!r})
    supervisor = Supervisor(Pidfile(folder / "processes.json"), report=print)
    await supervisor.start(Program("child", (sys.executable, "-c", {child!r}), dict(os.environ), folder / "child.log"))
    await supervisor.watch()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    pid = int(await _content(note))
    process.kill()
    await process.wait()
    await eventually(lambda: not is_alive(pid))
