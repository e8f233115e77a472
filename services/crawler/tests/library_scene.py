"""A music folder, and what scans of it do to a real database."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soundalike.audio.coded_audio.identity import identify
from soundalike.crawler.crawl import Crawl
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.library.scan import LibraryScan, ScanOptions
from soundalike.crawler.policy import CrawlPolicy
from soundalike.db import libraries, locations
from soundalike.domain.file_identity import file_id
from soundalike.retry import RetryPolicy
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.library.file_reader import FileReader
    from soundalike.crawler.stats import Outcome
    from soundalike.db.database import Pool
    from soundalike.db.locations import StoredLocation
    from soundalike.domain.track_id import TrackId
    from soundalike.http.errors import ServiceError


@dataclass
class RecordedProgress:
    """Keeps every outcome, and the share that was done."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    shares: list[tuple[int, int | None]] = field(default_factory=list)

    def report(self, outcome: Outcome, done: int, total: int | None) -> None:
        self.outcomes[outcome.label] = outcome
        self.shares.append((done, total))


@dataclass
class Library:
    """A music folder, what it is crawled into, and what was heard of the crawl."""

    folder: Path
    pool: Pool
    encoders: ClipEncoderPool
    file_reader: FileReader
    store: MemoryStore = field(default_factory=MemoryStore)
    progress: RecordedProgress = field(default_factory=RecordedProgress)

    async def crawl(self, *, retry_rejected: bool = False, attempts: int = 4, **options: bool) -> Crawl:
        """Scan the folder to its end."""
        scan, crawl, failure = await self.scan(retry_rejected=retry_rejected, attempts=attempts, **options)
        assert (failure, scan.notice) == (None, None)
        assert crawl.stats.unfinished == 0
        return crawl

    async def scan(
        self,
        below: str = "",
        *,
        retry_rejected: bool = False,
        attempts: int = 4,
        ask: Callable[[str], bool] | None = None,
        second_look_s: float = 0.0,
        **options: bool,
    ) -> tuple[LibraryScan, Crawl, ServiceError | None]:
        """Scan the folder, or one in it; options are those of `ScanOptions`."""
        policy = CrawlPolicy(retry_rejected=retry_rejected)
        ingest = Ingest(self.pool, self.store, policy, retry=RetryPolicy(attempts))
        crawl = Crawl(self.pool, ingest, policy, listener=self.progress)
        async with self.pool.acquire() as connection:
            subfolder = await libraries.register(connection, os.fsencode(self.folder / below))
        scan = LibraryScan(
            self.pool,
            subfolder,
            self.file_reader,
            self.encoders,
            ScanOptions(second_look_s=second_look_s, **options),
        )
        return scan, crawl, await scan.run(crawl, ask)

    def put(self, name: str, content: bytes) -> TrackId:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return file_id(identify(io.BytesIO(content)).digest)

    async def rows(self) -> list[StoredLocation]:
        """Return what is stored of the folder."""
        library = await libraries.get(self.pool, os.fsencode(self.folder))
        assert library is not None
        return await locations.page(self.pool, library, limit=100)
