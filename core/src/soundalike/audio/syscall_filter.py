"""A filter that leaves a process the system calls of computing, and refuses the rest (seccomp, on Linux).

No library: those for seccomp on PyPI need the C library libseccomp beside them, which no image of ours has otherwise.
The form of the program is that of linux/filter.h, linux/seccomp.h and linux/audit.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from dataclasses import dataclass
from typing import Final

_LOAD_WORD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06

_KILL_PROCESS: Final = 0x8000_0000
_ERROR: Final = 0x0005_0000
_ALLOW: Final = 0x7FFF_0000

_NUMBER_OFFSET: Final = 0
_ARCHITECTURE_OFFSET: Final = 4
_FIRST_ARGUMENT_OFFSET: Final = 16
_ARGUMENT_BYTES: Final = 8

_FIRST_UNIFIED_NUMBER: Final = 424
"""From here on all architectures have the same numbers, and the C library has an older call where one is missing."""

_SET_MODE_FILTER: Final = 1
_FLAG_ALL_THREADS: Final = 1


@dataclass(frozen=True, slots=True)
class _Architecture:
    """What differs between processors: the number of the call that installs a filter, and which calls are allowed."""

    audit: int
    seccomp: int
    tgkill: int
    prlimit: int
    allowed: tuple[int, ...]


# read write close fstat newfstatat lseek mmap mprotect munmap brk mremap madvise pread64 readv writev
# rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack setitimer sched_yield sched_getaffinity nanosleep
# clock_nanosleep clock_gettime clock_getres gettimeofday getrusage getrandom sysinfo getpid gettid
# sendto sendmsg recvfrom recvmsg ppoll pselect6 futex restart_syscall exit exit_group
_ARCHITECTURES: Final = {
    "x86_64": _Architecture(
        audit=0xC000_003E,
        seccomp=317,
        tgkill=234,
        prlimit=302,
        allowed=(
            *(0, 1, 3, 5, 262, 8, 9, 10, 11, 12, 25, 28, 17, 19, 20),
            *(13, 14, 15, 131, 38, 24, 204, 35),
            *(230, 228, 229, 96, 98, 318, 99, 39, 186),
            *(44, 46, 45, 47, 271, 270, 202, 219, 60, 231),
            # poll select time: only here are these calls of their own.
            *(7, 23, 201),
        ),
    ),
    "aarch64": _Architecture(
        audit=0xC000_00B7,
        seccomp=277,
        tgkill=131,
        prlimit=261,
        allowed=(
            *(63, 64, 57, 80, 79, 62, 222, 226, 215, 214, 216, 233, 67, 65, 66),
            *(134, 135, 139, 132, 103, 124, 123, 101),
            *(115, 113, 114, 169, 165, 278, 179, 172, 178),
            *(206, 211, 207, 212, 73, 72, 98, 128, 93, 94),
        ),
    ),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict_system_calls() -> bool:
    """Refuse this process, for ever, all calls but those of computing; tell whether the system has such filters.

    Nothing can be opened, connected, started, traced or signalled any more; descriptors that are open stay usable. The
    process must have given up gaining privileges before.
    """
    architecture = _ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or architecture is None or sys.maxsize < 1 << 32:
        return False
    instructions = _instructions(architecture, os.getpid())
    program = _Program(len(instructions), b"".join(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    status: int = libc.syscall(
        ctypes.c_long(architecture.seccomp),
        ctypes.c_ulong(_SET_MODE_FILTER),
        ctypes.c_ulong(_FLAG_ALL_THREADS),
        ctypes.byref(program),
    )
    return status == 0


def _instructions(architecture: _Architecture, process: int) -> list[bytes]:
    refuse = _instruction(_RETURN, _ERROR | errno.EPERM)
    return [
        _instruction(_LOAD_WORD, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_IF_EQUAL, architecture.audit, if_true=1),
        _instruction(_RETURN, _KILL_PROCESS),
        _instruction(_LOAD_WORD, _NUMBER_OFFSET),
        # `abort` sends a signal to itself, and a process sets its own limit of CPU seconds.
        *_allow_with_arguments(architecture.tgkill, (process,)),
        *_allow_with_arguments(architecture.prlimit, (0, resource.RLIMIT_CPU)),
        *(
            instruction
            for number in architecture.allowed
            for instruction in (
                _instruction(_JUMP_IF_EQUAL, number, if_false=1),
                _instruction(_RETURN, _ALLOW),
            )
        ),
        _instruction(_JUMP_IF_AT_LEAST, _FIRST_UNIFIED_NUMBER, if_false=1),
        _instruction(_RETURN, _ERROR | errno.ENOSYS),
        refuse,
    ]


def _allow_with_arguments(number: int, arguments: tuple[int, ...]) -> list[bytes]:
    """Return what allows a call with these first arguments, and refuses it with others."""
    checks: list[bytes] = []
    for position in reversed(range(len(arguments))):
        # To the refusal behind the checks that follow and behind the permission.
        checks = [
            _instruction(_LOAD_WORD, _FIRST_ARGUMENT_OFFSET + _ARGUMENT_BYTES * position),
            _instruction(_JUMP_IF_EQUAL, arguments[position], if_false=len(checks) + 1),
            *checks,
        ]
    body = [*checks, _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _ERROR | errno.EPERM)]
    return [_instruction(_JUMP_IF_EQUAL, number, if_false=len(body)), *body]


def _instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
