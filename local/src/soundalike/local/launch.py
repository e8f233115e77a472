"""`python -m soundalike.local.launch [options] -- PROGRAM …`: becomes the program, which ends with its parent process.

The options come from `local.program.Program`; nobody types them.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
from pathlib import Path

from soundalike.local.errors import PrivilegeError
from soundalike.local.unprivileged import check_access, drop_privileges
from soundalike.terminal import echo

EX_CONFIG = 78
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop privileges where the program asks for it, then execute it; exits with 78 where they cannot be dropped."""
    arguments = _parser().parse_args()
    program = Path(arguments.command[0])
    if arguments.writable:
        try:
            drop_privileges(arguments.writable)
            check_access(program, arguments.writable)
        except PrivilegeError as error:
            echo(str(error), err=True)
            raise SystemExit(EX_CONFIG) from error
    # After the change of user: the kernel resets the signal whenever credentials change (prctl(2)).
    _tie_to_parent(arguments.parent, arguments.death_signal)
    os.execv(program, arguments.command)  # noqa: S606 - no shell is needed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m soundalike.local.launch")
    parser.add_argument("--parent", type=int, required=True, help="pid of the starting process")
    parser.add_argument("--death-signal", type=int, required=True, help="signal to receive when it dies (Linux)")
    parser.add_argument(
        "--writable", type=Path, action="append", default=[], help="path that PROGRAM writes, not as root"
    )
    parser.add_argument("command", nargs="+")
    return parser


def _tie_to_parent(parent: int, death_signal: int) -> None:
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, *(ctypes.c_ulong(n) for n in (death_signal, 0, 0, 0)))
    # It may have died before prctl took effect.
    if os.getppid() != parent:
        raise SystemExit("The parent process has ended.")


if __name__ == "__main__":
    main()
