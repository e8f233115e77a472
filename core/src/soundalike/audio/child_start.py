"""How a process is started that reads files of others: with nothing of ours that it does not need."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NEEDED_TO_START: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What of the environment Python may need to find itself and its libraries; all the rest is none of a decoder's."""


def child_command(module: str, *arguments: str) -> Sequence[str]:
    """Return the command that runs a module."""
    # -P: a file in the working directory must not pass for one of the modules.
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment() -> Mapping[str, str]:
    """Return the environment of the process."""
    # A decoder needs no threads of its own, and each would reserve address space under the limit.
    environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return environment | {name: os.environ[name] for name in _NEEDED_TO_START if name in os.environ}
