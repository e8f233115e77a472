"""Command line of the walk: `crawl soundcloud --from <address>`."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer
from rich.console import Console

from soundalike import logs
from soundalike.crawler.walk.command import WalkOptions, walk
from soundalike.crawler.walk.settings import SoundCloudSettings
from soundalike.settings import load
from soundalike.terminal import print_line

INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def soundcloud(
    starts: Annotated[
        list[str] | None,
        typer.Option("--from", help="Address of a user or track, https://soundcloud.com/<name>; may be repeated."),
    ] = None,
    depth: Annotated[
        int, typer.Option(min=0, max=20, help="0: what the user likes; 1: also who likes that; 2: also what they like.")
    ] = 2,
    budget: Annotated[int, typer.Option(min=1, help="The maximum number of requests of this run.")] = 2_000,
    check: Annotated[bool, typer.Option("--check", hidden=True, help="Only check the settings.")] = False,
) -> None:
    """Collect from SoundCloud who favourites what. Without --from it continues where it stopped."""
    console = Console(stderr=True)
    # A line for machines is left by every run that nobody watches.
    logs.configure("crawler", "WARNING" if console.is_terminal else "INFO")
    settings = load(SoundCloudSettings)
    if check:
        settings.access()
        return
    options = WalkOptions(tuple(starts or ()), depth, budget)
    try:
        status = asyncio.run(_until_stopped(settings, options, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print_line(console, "interrupted; run the same command again to continue")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status)


async def _until_stopped(settings: SoundCloudSettings, options: WalkOptions, console: Console) -> int:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await walk(settings, options, console)
