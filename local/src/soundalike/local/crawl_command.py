"""The `crawl` command: on the platform that runs, or on one that is started for the while."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.db.database import CONNECTION_FAILURES
from soundalike.local.analysis import AnalysisStalled
from soundalike.local.crawl import Crawl, crawler_command
from soundalike.local.environment import neutral_environment
from soundalike.local.errors import LocalPlatformError
from soundalike.local.platform import BUCKET, SERVICES, Platform
from soundalike.local.program import run_in_terminal, shown_command
from soundalike.local.running_platform import find, is_running
from soundalike.local.signals import INTERRUPTED
from soundalike.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.local.data_directory import DataDirectory
    from soundalike.local.running_platform import RunningPlatform

_DATABASE_FAILURES: Final[tuple[type[Exception], ...]] = (asyncpg.PostgresError, *CONNECTION_FAILURES)

# Nothing besides the crawl is to be fetched, and the index is built once, at the end.
_TEMPORARY_SERVICES: Final = tuple(service for service in SERVICES if service.name in {"extractor", "api"})

# The crawler's settings have them, and a check uses neither.
_UNUSED_SETTINGS: Final = {"DATABASE_URL": "postgresql://nobody:not-used@127.0.0.1/nothing", "S3_BUCKET": BUCKET}


class CrawlCommand:
    """One call of the command, with the `arguments` of the crawler.

    `stay`: a platform that is started goes on serving until Ctrl-C. `wait`: where the platform runs anyway, the command
    lasts until everything is analysed.
    """

    def __init__(self, data: DataDirectory, arguments: Sequence[str], *, stay: bool = False, wait: bool = True) -> None:
        self._data = data
        self._arguments = arguments
        self._stay = stay
        self._wait = wait
        self._is_up = False
        self._platform = Platform(
            data,
            port=None,
            services=SERVICES if stay else _TEMPORARY_SERVICES,
            report=self._report,
        )
        self.force_stop = self._platform.supervisor.force_stop
        """Set it to kill programs that are slow to stop."""

    async def run(self) -> int:
        """Crawl and return the exit status: that of the crawler, 130 when interrupted; raises `LocalPlatformError`."""
        try:
            if is_running(self._data):
                return await self._run_on(find(self._data))
            return await self._run_on_temporary_platform()
        except asyncio.CancelledError:
            return INTERRUPTED
        except _DATABASE_FAILURES as error:
            raise LocalPlatformError(f"The database does not answer: {str(error) or type(error).__name__}") from error

    async def _run_on(self, running: RunningPlatform) -> int:
        crawl = Crawl(running, self._arguments, self.force_stop)
        try:
            await (crawl.run_to_answers(build_index=False) if self._wait else crawl.run())
        except AnalysisStalled as error:
            # The crawl itself has come to its end.
            echo(str(error), err=True)
        except asyncio.CancelledError:
            status = f"{shown_command()} status{self._data.command_option}"
            echo(f"The platform goes on with what it has: `{status}` shows how far it is.")
            raise
        return crawl.status

    async def _run_on_temporary_platform(self) -> int:
        status, _ = await run_in_terminal(
            crawler_command(self._arguments, "--check"),
            {**neutral_environment(os.environ), **_UNUSED_SETTINGS},
            self.force_stop,
        )
        if status != 0:
            return status
        echo(f"No platform is running: starting one for this crawl. Its data folder is {self._data.root}")
        crawl: Crawl | None = None
        try:
            async with self._platform.running() as running:
                self._is_up = True
                crawl = Crawl(running, self._arguments, self.force_stop)
                try:
                    await self._platform.run_while_up(crawl.run_to_answers(build_index=True))
                    if self._stay:
                        await self._serve(running)
                finally:
                    echo("", "Stopping the platform.")
        except asyncio.CancelledError:
            echo(crawl.kept if crawl and crawl.kept else "Stopped before anything was crawled.")
            raise
        echo(*self._next_steps())
        return crawl.status

    async def _serve(self, running: RunningPlatform) -> None:
        echo("", f"Serving on {running.api_url} until Ctrl-C. To look at it, in another terminal:")
        echo(f"  {shown_command()} open{self._data.command_option}")
        # Whoever stays ends it so: the crawl was successful.
        with suppress(asyncio.CancelledError):
            await self._platform.watch()

    def _next_steps(self) -> list[str]:
        command, option = shown_command(), self._data.command_option
        return [
            "Nothing is running any more, and everything is kept. To look at it:",
            f"  {command} up{option}      # serves until Ctrl-C",
            f"  {command} open{option}    # in another terminal: opens its page in the browser",
        ]

    def _report(self, line: str) -> None:
        # Why a start failed is in the error.
        if self._is_up:
            echo(line)
