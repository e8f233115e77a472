"""Two clocks: the one on the wall, and the processor time of this process and its children."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the wall, and seconds of processor time; the second is blind to what else the machine does."""

    wall: float
    cpu: float

    def __sub__(self, earlier: Cost) -> Cost:
        return Cost(self.wall - earlier.wall, self.cpu - earlier.cpu)


def now() -> Cost:
    """Read both clocks. Where the system has no /proc, the time of living children stays out of the second."""
    return Cost(time.perf_counter(), time.process_time() + sum(ran(child) for child in _children()))


def threads_one() -> dict[str, str]:
    """Return the environment in which the libraries start no threads of their own."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return dict.fromkeys((*names, "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")


def pin(core: int) -> bool:
    """Keep this process and its children on one core, where the system can (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, {core})
    return True


def cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def resident_mb(*, children: bool = False) -> float:
    """Return the resident memory of this process in MB, optionally of its children instead (Linux, else 0)."""
    return sum(resident(who) for who in (_children() if children else [os.getpid()]))


def ran(process: int) -> float:
    """Return the processor time that the living threads of a process have had, in seconds (Linux, else 0)."""
    seconds = 0.0
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def resident(process: int) -> float:
    """Return the resident memory of a process in MB (Linux, else 0)."""
    with suppress(OSError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def _children() -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):
                children += map(int, (task / "children").read_text().split())
    return children
