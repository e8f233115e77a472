"""The crawler's command line."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from catalog import logs
from catalog.settings import DatabaseSettings, StoreSettings, load
from crawler.errors import InvalidTarget
from crawler.session import Order, Session, forget_one
from crawler.settings import CrawlerSettings
from crawler.sources.registry import ACCEPTED_FORMS, FolderPath, Target, recognise
from crawler.sourcing import check
from crawler.walk.cli import app as walking

INTERRUPTED = 130

app = typer.Typer(add_completion=False, help="Reads track lists and brings their previews into the object store.")
forgetting = typer.Typer(add_completion=False, help="Deletes on request what is held, and keeps it from coming back.")

FolderOption = Annotated[list[Path] | None, typer.Option(help="A folder of music files.")]
HoursOption = Annotated[
    float | None, typer.Option("--every", help="Hours between two crawls of a list (RECRAWL_HOURS).", min=0.01)
]


@app.command()
def crawl(
    targets: Annotated[
        list[str] | None, typer.Argument(help=f"What to crawl, each {ACCEPTED_FORMS}.", metavar="[WHAT]...")
    ] = None,
    *,
    playlist: Annotated[list[str] | None, typer.Option(help="A list of a service: address, URI or id.")] = None,
    folder: FolderOption = None,
    library: Annotated[
        bool, typer.Option("--library", help="Saved tracks and playlists of the user who logged in at Spotify.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Then go on: crawl lists again when due, and fetch what people ask for.")
    ] = False,
    every: HoursOption = None,
    retry_rejected: Annotated[bool, typer.Option("--retry-rejected", help="Try rejected tracks again.")] = False,
    retry_missing: Annotated[
        bool, typer.Option("--retry-missing", help="Look again for previews that nobody had.")
    ] = False,
) -> None:
    """Crawl lists of tracks, one after the other; what begins with forget or soundcloud is another command."""
    wanted = [*map(_target, [*(targets or []), *(playlist or [])]), *map(_folder, folder or [])]
    if not (wanted or library or watch):
        raise typer.BadParameter(f"say what to crawl: {ACCEPTED_FORMS}; or --library, or --watch")
    console = Console(stderr=True)
    # A bar and a log do not mix; what is worth a line is printed above the bar.
    logs.configure("crawler", "WARNING" if console.is_terminal and not watch else "INFO")
    settings = load(CrawlerSettings)
    check(settings, wanted, library=library)
    order = Order(
        targets=tuple(wanted),
        library=library,
        watch=watch,
        every=timedelta(hours=every or settings.recrawl_hours),
        retry_rejected=retry_rejected,
        retry_missing=retry_missing,
    )
    try:
        status = asyncio.run(_until_stopped(Session(settings, order, console)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; the same command goes on where this one stopped")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status)


@forgetting.command()
def forget(
    what: Annotated[str, typer.Argument(help="A track, an artist, a user or a playlist: address, URI or URN.")],
    *,
    with_tracks: Annotated[
        bool, typer.Option("--with-tracks", help="Of a playlist: its tracks as well, not only the list.")
    ] = False,
) -> None:
    """Delete what is held of a track, artist, user or playlist, and keep it from coming back."""
    logs.configure("crawler", "WARNING")
    try:
        said = asyncio.run(forget_one(load(DatabaseSettings), load(StoreSettings), what, with_tracks=with_tracks))
    except InvalidTarget as error:
        raise typer.BadParameter(str(error), param_hint="what") from error
    typer.echo(said.text, err=said.status != 0)
    raise typer.Exit(said.status)


def main() -> None:
    """Run the command that the arguments name."""
    if sys.argv[1:2] == ["forget"]:
        forgetting(sys.argv[2:], prog_name="forget")
    elif sys.argv[1:2] == ["soundcloud"]:
        walking(sys.argv[2:], prog_name="soundcloud")
    else:
        app()


def _target(text: str) -> Target:
    try:
        return recognise(text)
    except InvalidTarget as error:
        raise typer.BadParameter(str(error), param_hint="what to crawl") from error


def _folder(path: Path) -> FolderPath:
    if not path.is_dir():
        raise typer.BadParameter(f"there is no folder {path}", param_hint="folder")
    return FolderPath(path)


async def _until_stopped(session: Session) -> int:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await session.run()
