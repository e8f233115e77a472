"""What a process gives up before it reads files of others: everything but memory, the processor and open files."""

from __future__ import annotations

import ctypes
import math
import resource
import signal
import sys
from pathlib import Path
from typing import Final

from soundalike.audio.syscall_filter import restrict_system_calls

_SET_DUMPABLE: Final = 4
_SET_NO_NEW_PRIVILEGES: Final = 38
_CAPABILITIES_VERSION_3: Final = 0x2008_0522
_MAX_DESCRIPTORS: Final = 32


def confine(additional_bytes: int) -> list[str]:
    """Confine this process for ever; return what this system cannot do for it.

    It may map `additional_bytes` bytes more than it has now, and open, start, trace or connect to nothing.
    """
    missing = []
    if not _limit("RLIMIT_AS", _mapped_bytes() + additional_bytes):
        # macOS.
        missing.append("a limit of memory")
    for name, value in (("CORE", 0), ("FSIZE", 0), ("NPROC", 0), ("NOFILE", _MAX_DESCRIPTORS)):
        if not _limit(f"RLIMIT_{name}", value):
            missing.append(f"RLIMIT_{name}")
    if sys.platform != "linux":
        return [*missing, "a filter of system calls"]
    libc = ctypes.CDLL(None, use_errno=True)
    # No other process of the same user may look into this one.
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        missing.append("no_new_privs")
    if not _drop_capabilities(libc):
        missing.append("giving up capabilities")
    if not restrict_system_calls():
        missing.append("a filter of system calls")
    return missing


def limit_cpu_time(seconds: float) -> None:
    """Let this process use `seconds` more of the processor, of which it dies; 0 lifts the limit.

    It dies of SIGPROF, or of SIGXCPU where something stopped the timer.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds) + 1 if seconds else hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _mapped_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _limit(name: str, value: int) -> bool:
    try:
        resource.setrlimit(getattr(resource, name), (value, value))
    except (AttributeError, OSError, ValueError):
        return False
    return True


def _drop_capabilities(libc: ctypes.CDLL) -> bool:
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    return bool(libc.capset(ctypes.byref(header), ctypes.byref(nothing)) == 0)
