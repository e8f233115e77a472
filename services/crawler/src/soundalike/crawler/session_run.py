"""Running a session from a command: its log, its settings, and how it is stopped."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console

from soundalike import logs
from soundalike.crawler.session import Session
from soundalike.terminal import print_line

if TYPE_CHECKING:
    from soundalike.crawler.session import CrawlOptions
    from soundalike.crawler.settings import CrawlerSettings

INTERRUPTED: Final = 130
_MIN_HOURS: Final = 0.01


def run_session(options: CrawlOptions, settings: CrawlerSettings) -> int:
    """Do what the options say and return the exit status; exits on Ctrl-C."""
    console = Console(stderr=True)
    # A bar and a log do not mix; what is worth a line is printed above the bar.
    logs.configure("crawler", "WARNING" if console.is_terminal and not options.watch else "INFO")
    session = Session(settings, options, console)
    try:
        return asyncio.run(_until_stopped(session))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print_line(console, "interrupted; run the same command again to continue")
        raise typer.Exit(INTERRUPTED) from None


def hours_between(hours: float | None) -> timedelta | None:
    """Return an interval that was given in hours; raises `typer.BadParameter` for one that is too short."""
    if hours is not None and 0 < hours < _MIN_HOURS:
        raise typer.BadParameter(f"at least {_MIN_HOURS} hours, or 0 for never", param_hint="every")
    return None if hours is None else timedelta(hours=hours)


async def _until_stopped(session: Session) -> int:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await session.run()
