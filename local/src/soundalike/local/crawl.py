"""One crawl on a running platform, from the crawler's first line to answers."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console

from soundalike.db import database, embeddings, index_versions, models, track_states
from soundalike.db.tracks import State
from soundalike.local.analysis import analysis_display, wait_for_analysis
from soundalike.local.api_client import ApiError
from soundalike.local.crawl_report import count_of, example_answers, example_lines, result_lines
from soundalike.local.launch import EX_CONFIG
from soundalike.local.program import python_command, run_in_terminal
from soundalike.local.signals import INTERRUPTED
from soundalike.retry import RetryPolicy
from soundalike.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.db.database import Pool
    from soundalike.local.running_platform import RunningPlatform

_MIN_TAIL_SHARE: Final = 0.01
"""A version is built where more than this share of its tracks is newer; fewer are compared one by one."""

_COUNT_TIMEOUT_S: Final = 5.0
_USAGE: Final = 2
_NOTHING_CRAWLED: Final = frozenset({_USAGE, EX_CONFIG, INTERRUPTED})


class Crawl:
    """One crawl, with the `arguments` of the crawler; `force_stop` kills programs that are slow to stop."""

    def __init__(self, running: RunningPlatform, arguments: Sequence[str], force_stop: asyncio.Event) -> None:
        self._running = running
        self._arguments = arguments
        self._force_stop = force_stop
        self._environment = running.child_environment(os.environ)
        self.status = 0
        """The exit status of the crawler, once it has ended."""
        self.kept = ""
        """After an interruption: what there is of it in the catalogue, in a sentence."""

    async def run(self) -> None:
        """Run the crawler."""
        self.status, _ = await run_in_terminal(crawler_command(self._arguments), self._environment, self._force_stop)

    async def run_to_answers(self, *, build_index: bool) -> None:
        """Crawl, wait for the analysis, and show what came of it.

        Raises `AnalysisStalled`, and what the database raises.
        """
        async with database.connect(self._environment["DATABASE_URL"], size=1, retry=RetryPolicy()) as pool:
            before, moment = await track_states.count_by_state(pool), datetime.now(UTC)
            try:
                await self.run()
                if self.status in _NOTHING_CRAWLED:
                    return
                with analysis_display(Console()) as display:
                    await wait_for_analysis(pool, display, before)
                if build_index:
                    await self._build_index(pool)
                await self._show(pool, before, moment)
            except asyncio.CancelledError:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_COUNT_TIMEOUT_S):
                        self.kept = await _kept(pool)
                raise

    async def _build_index(self, pool: Pool) -> None:
        if not await _is_index_outdated(pool):
            return
        echo("Building the index")
        status, output = await run_in_terminal(
            python_command("soundalike.indexer", "build"), self._environment, self._force_stop, quiet=True
        )
        if status != 0:
            # Answers need none: without one, tracks are compared one by one.
            echo("The index could not be built; the next start of the platform tries again:", err=True)
            echo(*output.splitlines()[-3:], err=True)

    async def _show(self, pool: Pool, before: Mapping[State, int], moment: datetime) -> None:
        echo("", *await result_lines(pool, before, moment))
        try:
            echo(*example_lines(await example_answers(pool, self._running.api_url)))
        except ApiError as error:
            echo(str(error), err=True)


def crawler_command(arguments: Sequence[str], *options: str) -> list[str]:
    """Build the command line of the crawler, with further options of its own."""
    subcommand = ["soundcloud"] if arguments[:1] == ["soundcloud"] else []
    return python_command("soundalike.crawler", *subcommand, *options, *arguments[len(subcommand) :])


async def _is_index_outdated(pool: Pool) -> bool:
    model = await models.current(pool)
    if model is None:
        return False
    published = await index_versions.get_published(pool, model.model)
    tail = await embeddings.tail_size(pool, model.model, published.up_to_seq if published else 0)
    if published is None:
        return tail.count > 0
    # A build would end what a rollback has pinned.
    return not published.pinned and tail.count > _MIN_TAIL_SHARE * published.tracks


async def _kept(pool: Pool) -> str:
    ready, waiting = (await track_states.count_by_state(pool))[State.READY], await track_states.count_waiting(pool)
    return (
        f"Everything so far is kept: {count_of(ready, 'track is', 'tracks are')} ready, "
        f"{waiting or 'none'} still to be analysed. The same command goes on from there."
    )
