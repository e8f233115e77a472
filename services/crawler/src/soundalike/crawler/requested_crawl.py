"""A crawl that somebody started from afar: its row tells how it goes, and its crawler whether to stop."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import InvalidTarget, SourceLocked
from soundalike.crawler.library.scan import LibraryScan, ScanOptions
from soundalike.crawler.schedules import schedule, schedule_scan
from soundalike.crawler.sources.registry import no_folder
from soundalike.crawler.stats import OutcomeStatus
from soundalike.crawler.summary import summary_line
from soundalike.db import crawls, libraries
from soundalike.db.crawls import CrawlState
from soundalike.db.database import CONNECTION_FAILURES, in_transaction
from soundalike.db.libraries import Subfolder
from soundalike.http.errors import ServiceRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.crawl import Crawl
    from soundalike.crawler.source_factory import SourceFactory
    from soundalike.crawler.sources.source import Source
    from soundalike.db.crawls import StoredCrawl
    from soundalike.db.database import Pool
    from soundalike.errors import SoundalikeError

log = logging.getLogger(__name__)

REPORT_S: Final = 1.0
_LOCKED_WAIT_S: Final = 2.0


@dataclass(slots=True)
class RequestedCrawl:
    """One such crawl, leased from `db.crawls`."""

    pool: Pool
    sources: SourceFactory
    new_crawl: Callable[[], Crawl]
    row: StoredCrawl
    report_s: float = REPORT_S
    _crawl: Crawl | None = field(default=None, init=False)
    _source: Source | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """How the log calls it."""
        return f"crawl {self.row.id}"

    async def run(self) -> None:
        """Crawl until the end or until somebody stops it; where the crawler is stopped, leave it to the next one."""
        work = asyncio.create_task(self._work())
        try:
            while not (await asyncio.wait({work}, timeout=self.report_s))[0]:
                if not await self._report():
                    await _cancel(work)
                    await self._end(CrawlState.STOPPED)
                    return
            failure = work.result()
            await self._end(CrawlState.FAILED if failure else CrawlState.DONE, failure)
        except asyncio.CancelledError:
            await _cancel(work)
            with suppress(*CONNECTION_FAILURES):
                await crawls.release(self.pool, self.row)
            raise

    async def fail(self, reason: str) -> None:
        """Store that it ended by an error in the code."""
        await crawls.end(self.pool, self.row, CrawlState.FAILED, self.progress, error=reason)

    @property
    def progress(self) -> dict[str, int]:
        """The places of the list that came to an end, in all and by how they ended."""
        if self._crawl is None:
            return {}
        stats, total = self._crawl.stats, self._source.total if self._source else None
        counts = {status.value.replace(" ", "_"): stats.count(status) for status in OutcomeStatus}
        seen = {"seen": stats.finished} | ({"total": total} if total is not None else {})
        return seen | {name: count for name, count in counts.items() if count}

    async def _report(self) -> bool:
        try:
            return await crawls.report(self.pool, self.row, self.progress)
        except CONNECTION_FAILURES as error:
            log.warning("the progress of %s is not stored: %s", self.name, error)
            return True

    async def _work(self) -> SoundalikeError | None:
        try:
            while True:
                self._source = await self._create_source()
                self._crawl = self.new_crawl()
                failure = await self._run(self._crawl, self._source)
                if not isinstance(failure, SourceLocked):
                    return failure
                # The same folder is being scanned because something changed in it.
                await asyncio.sleep(_LOCKED_WAIT_S)
        except (InvalidTarget, ServiceRefused) as error:
            return error

    async def _run(self, crawl: Crawl, source: Source) -> SoundalikeError | None:
        if isinstance(source, LibraryScan):
            failure = await source.run(crawl)
            if not source.subfolder.path and not isinstance(failure, SourceLocked):
                await schedule_scan(self.pool, source.library, failure, failed=crawl.stats.count(OutcomeStatus.FAILED))
            return failure
        failure = await crawl.run(source)
        await schedule(self.pool, source.name, failure, failed=crawl.stats.count(OutcomeStatus.FAILED))
        return failure

    async def _create_source(self) -> Source:
        target = self.row.source
        if target.playlist is not None:
            return self.sources.create_for_playlist(target.playlist)
        if target.folder is not None:
            return self.sources.create_scan(self.pool, await self._subfolder(target.folder), ScanOptions())
        for library in await libraries.all_libraries(self.pool):
            if library.id == target.library:
                return self.sources.create_scan(self.pool, Subfolder(library), ScanOptions())
        raise InvalidTarget("the library was removed meanwhile")

    async def _subfolder(self, folder: bytes) -> Subfolder:
        path = Path(os.fsdecode(folder))
        try:
            if not await asyncio.to_thread(path.is_dir):
                raise InvalidTarget(no_folder(path))
            root = os.fsencode(await asyncio.to_thread(path.resolve))
        except OSError as error:
            raise InvalidTarget(f"{path} cannot be read: {error.strerror}") from error
        return await in_transaction(self.pool, lambda db: libraries.register(db, root))

    async def _end(self, state: CrawlState, failure: SoundalikeError | None = None) -> None:
        summary = summary_line(self._crawl.stats) if self._crawl else None
        notice = self._source.notice if isinstance(self._source, LibraryScan) else None
        log.info("%s: %s, %s", self.name, state, failure or summary or "nothing was begun")
        await crawls.end(
            self.pool,
            self.row,
            state,
            self.progress,
            summary="; ".join(filter(None, (summary, notice))) or None,
            error=str(failure) if failure else None,
        )


async def _cancel(work: asyncio.Task[SoundalikeError | None]) -> None:
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
