"""Command line of the API: one command, configured by the environment."""

import os
import signal
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer
import uvicorn

from api.app import create_app
from api.settings import ApiSettings
from catalog import logs
from catalog.settings import load, refuse

# Requests are given this long to end after SIGTERM; every one of them is limited to ten seconds.
_GRACE_S = 12

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def serve() -> None:
    """Answer GET /recommend on API_HOST and API_PORT until SIGTERM or Ctrl-C."""
    settings = load(ApiSettings)
    if settings.api_cache_dir:
        _make_writable(settings.api_cache_dir)
    logs.configure("api")
    # uvicorn raises the signal again once everything has ended, so that this handler decides the exit status.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _interrupt)
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )


def main() -> None:
    """Run the command line."""
    cli()


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(130)


def _make_writable(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse("ApiSettings", [("api_cache_dir", f"{directory} cannot be made: {error.strerror}")])
    if not os.access(directory, os.W_OK | os.X_OK):
        refuse("ApiSettings", [("api_cache_dir", f"{directory} is not writable")])
