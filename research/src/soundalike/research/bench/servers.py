"""Programs that run beside a measurement, and a database of its own for it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundalike.local.ports import free_port
from soundalike.local.postgres import ADMIN, PostgresServer
from soundalike.local.program import open_log

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from soundalike.local.program import Program

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


@asynccontextmanager
async def throwaway_database(folder: Path | None = None) -> AsyncIterator[str]:
    """Run a PostgreSQL that may forget what it was told, below `folder`; yields the address of its first database."""
    with tempfile.TemporaryDirectory(prefix="bench-postgres-", dir=folder, ignore_cleanup_errors=True) as home:
        # The server runs as another user where this one is the superuser.
        place = Path(home) / "postgres"
        await asyncio.to_thread(Path(home).chmod, 0o755)
        database = PostgresServer(
            home=place,
            port=free_port(),
            password=secrets.token_hex(16),
            log_file=Path(home) / "postgres.log",
            durable=False,
        )
        await asyncio.to_thread(database.prepare)
        async with running(database.program()):
            await database.wait_until_ready()
            yield database.url(ADMIN)
