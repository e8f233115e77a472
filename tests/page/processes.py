"""Programs that tests of the page start."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from soundalike.local.program import open_log
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.local.program import Program


@contextmanager
def running(program: Program) -> Iterator[None]:
    """Run a program for the length of a `with`, without waiting for it to be ready."""
    log = open_log(program.log_file)
    process = subprocess.Popen(
        program.launch_command(),
        env=dict(program.environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    os.close(log)
    try:
        yield
    finally:
        process.send_signal(program.stop_signal)
        try:
            process.wait(scale(60))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
