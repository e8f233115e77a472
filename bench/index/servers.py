"""Programs that run beside a measurement."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from standalone.program import open_log

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from standalone.program import Program

_STOP_S: Final = 30.0


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Process]:
    """Run a program while the block runs."""
    log = open_log(program.log_file)
    try:
        process = await asyncio.create_subprocess_exec(
            *program.launch_command(), env=dict(program.environment), stdout=log, stderr=log, start_new_session=True
        )
    finally:
        os.close(log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(program.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()
