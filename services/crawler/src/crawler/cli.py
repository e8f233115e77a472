"""The crawler's command line."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import asyncpg
import typer
from rich.console import Console

from catalog import database, logs
from catalog.database import CONNECTION_FAILURES
from catalog.settings import load
from catalog.store import S3Store
from crawler.crawl import Crawl
from crawler.downloading import Downloader, preview_client
from crawler.errors import InvalidTarget, QuotaSpent, SourceError
from crawler.patience import Patience
from crawler.progress import progress_on
from crawler.settings import CrawlerSettings
from crawler.sources.folder import CuttingBench, MusicFolder
from crawler.sources.spotify import SpotifyPlaylist, SpotifyTrack
from crawler.sources.spotify_address import PlaylistId, parse_target
from crawler.sources.spotify_web_api import SpotifyWebApi
from crawler.summary import print_closing_table
from crawler.tally import Fate

if TYPE_CHECKING:
    import httpx

    from catalog.database import Pool
    from catalog.track_id import TrackId
    from crawler.progress import Progressing
    from crawler.settings import SpotifyAccess
    from crawler.sources.source import Source

log = logging.getLogger(__name__)

FAILED = 1
EX_TEMPFAIL = 75
INTERRUPTED = 130

app = typer.Typer(add_completion=False, help="Reads track lists and brings their previews into the object store.")

RetryRejected = Annotated[bool, typer.Option("--retry-rejected", help="Try rejected tracks again.")]
FolderOption = Annotated[Path | None, typer.Option(help="A folder of music files.")]
FolderArgument = Annotated[Path, typer.Argument(help="A folder of music files.")]

_DATABASE_FAILURES: tuple[type[Exception], ...] = (*CONNECTION_FAILURES, asyncpg.PostgresError, ValueError)


@app.callback(invoke_without_command=True)
def crawl(
    context: typer.Context,
    *,
    playlist: Annotated[str | None, typer.Option(help="A playlist or track of Spotify: address, URI or id.")] = None,
    folder: FolderOption = None,
    retry_rejected: RetryRejected = False,
) -> None:
    """Crawl a playlist, a folder, or one after the other."""
    named = playlist is not None or folder is not None
    if context.invoked_subcommand is not None:
        if named or retry_rejected:
            raise typer.BadParameter("give the options behind the command, or leave the command out")
        return
    if not named:
        raise typer.BadParameter("say what to crawl: --playlist <address, URI or id>, or --folder <path>")
    _run(_Order(_target(playlist), _folder(folder), retry_rejected))


@app.command("playlist")
def crawl_playlist(
    playlist: Annotated[str, typer.Argument(help="A playlist or track of Spotify: address, URI or id.")],
    *,
    retry_rejected: RetryRejected = False,
) -> None:
    """Crawl a playlist or a single track of Spotify."""
    _run(_Order(_target(playlist), None, retry_rejected))


@app.command("folder")
def crawl_folder(folder: FolderArgument, *, retry_rejected: RetryRejected = False) -> None:
    """Crawl a folder of music files; needs no network."""
    _run(_Order(None, _folder(folder), retry_rejected))


def main() -> None:
    """Run the command that the arguments name."""
    app()


@dataclass(frozen=True, slots=True)
class _Order:
    spotify: PlaylistId | TrackId | None
    folder: Path | None
    retry_rejected: bool


def _target(text: str | None) -> PlaylistId | TrackId | None:
    try:
        return None if text is None else parse_target(text)
    except InvalidTarget as error:
        raise typer.BadParameter(str(error), param_hint="playlist") from error


def _folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise typer.BadParameter(f"there is no folder {path}", param_hint="folder")
    return path


def _run(order: _Order) -> None:
    console = Console(stderr=True)
    # A bar and a log do not mix; what is worth a line is printed above the bar.
    logs.configure("crawler", "WARNING" if console.is_terminal else "INFO")
    settings = load(CrawlerSettings)
    access = settings.spotify() if order.spotify is not None else None
    try:
        status = asyncio.run(_Session(settings, order, access, console).run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; the same command goes on where this one stopped")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status)


@dataclass(frozen=True, slots=True)
class _Session:
    settings: CrawlerSettings
    order: _Order
    access: SpotifyAccess | None
    console: Console

    async def run(self) -> int:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with AsyncExitStack() as stack:
            try:
                pool = await self._connect(stack)
            except _DATABASE_FAILURES as error:
                self._say(f"the database (DATABASE_URL) cannot be used: {str(error) or type(error).__name__}")
                return FAILED
            client = await stack.enter_async_context(preview_client())
            statuses = [0]
            if self.order.spotify is not None and self.access is not None:
                statuses.append(await self._crawl_spotify(pool, client, self.order.spotify, self.access))
            if self.order.folder is not None:
                with CuttingBench() as bench:
                    folder = MusicFolder(self.order.folder, bench)
                    statuses.append(await self._crawl(pool, folder, progress_on(self.console, folder.name)))
        return max(statuses)

    async def _connect(self, stack: AsyncExitStack) -> Pool:
        url, size = self.settings.database_url.get_secret_value(), self.settings.crawl_concurrency
        return await Patience().through(
            lambda: stack.enter_async_context(database.connect(url, size=size)), CONNECTION_FAILURES
        )

    async def _crawl_spotify(
        self, pool: Pool, client: httpx.AsyncClient, target: PlaylistId | TrackId, access: SpotifyAccess
    ) -> int:
        progress = progress_on(self.console, target.urn)
        with SpotifyWebApi(access, on_wait=progress.waiting) as api:
            downloader = Downloader(client, self.settings.allowed_hosts)
            source: Source
            if isinstance(target, PlaylistId):
                source = SpotifyPlaylist(target, api, downloader)
            else:
                source = SpotifyTrack(target, api, downloader)
            return await self._crawl(pool, source, progress)

    async def _crawl(self, pool: Pool, source: Source, progress: Progressing) -> int:
        crawl = Crawl(
            pool=pool,
            store=S3Store.connect(self.settings),
            audience=progress,
            concurrency=self.settings.crawl_concurrency,
            retry_rejected=self.order.retry_rejected,
        )
        stopped: SourceError | None = None
        try:
            with progress:
                stopped = await crawl.run(source)
        finally:
            # Also after Ctrl-C.
            with suppress(BrokenPipeError):
                print_closing_table(Console(), source.name, crawl.tally)
        if stopped is not None:
            self._say(str(stopped))
            return EX_TEMPFAIL if isinstance(stopped, QuotaSpent) else FAILED
        return FAILED if crawl.tally.count(Fate.FAILED) else 0

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
