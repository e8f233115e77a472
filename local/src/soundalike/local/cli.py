"""The `soundalike` command."""

from __future__ import annotations

import asyncio
import json
import os
import webbrowser
from pathlib import Path  # noqa: TC003 - typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from soundalike.errors import SoundalikeError
from soundalike.local import other_programs
from soundalike.local.command_line import Data, fail
from soundalike.local.data_directory import DataDirectory
from soundalike.local.errors import LocalPlatformError
from soundalike.local.platform import API_PORT, Platform
from soundalike.local.program import python_command, shown_command
from soundalike.local.recommend_command import recommend
from soundalike.local.running_platform import default_directory, find_default
from soundalike.local.signals import run_until_signal
from soundalike.settings import load
from soundalike.terminal import echo, escaped_tracebacks

if TYPE_CHECKING:
    from collections.abc import Coroutine

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Find tracks that sound alike. Runs the whole platform on this machine, without Docker.",
)
app.add_typer(other_programs.index, name="index")
login = typer.Typer(no_args_is_help=True, help="Log in to a service, so that crawls read it as you.")
app.add_typer(login, name="login")

LOGIN_PORT = 8898


@app.command()
def up(
    data: Data = None,
    port: Annotated[int, typer.Option(help="Port of the API.", min=1, max=65_535)] = API_PORT,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="Crawl the built-in sample music instead of Spotify and the other services."),
    ] = False,
) -> None:
    """Run the platform in the foreground until Ctrl-C."""
    directory = DataDirectory.at(data)
    platform = Platform(directory, port=port, sandbox=sandbox, report=echo)
    try:
        status = run_until_signal(
            _up(platform, directory.command_option), on_further_signal=platform.supervisor.force_stop.set
        )
    except LocalPlatformError as error:
        fail(error)
    raise typer.Exit(status)


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="The demo's data folder, separate from your own.", file_okay=False)
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the API.", min=1, max=65_535)] = API_PORT,
    once: Annotated[bool, typer.Option("--once", help="Stop after showing recommendations.")] = False,
) -> None:
    """Crawl, extract and index composed sample music, show what sounds alike, and serve until Ctrl-C.

    The music is kept in your cache folder (or SOUNDALIKE_CACHE), so that it is composed only once.
    """
    from soundalike.local.demo import Demo

    sample = Demo(DataDirectory.for_demo() if data is None else DataDirectory.at(data), port=port)
    try:
        status = run_until_signal(sample.run(once=once), on_further_signal=sample.platform.supervisor.force_stop.set)
    except SoundalikeError as error:
        fail(error)
    raise typer.Exit(status)


@app.command(context_settings=other_programs.PASSTHROUGH, add_help_option=False)
def crawl(
    context: typer.Context,
    *,
    data: Data = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Where a platform is started for the crawl, go on serving until Ctrl-C.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Where the platform is running anyway, do not wait for the analysis.")
    ] = False,
) -> None:
    """From a folder, a playlist or your library to answers (see: soundalike crawl --help).

    Uses the running platform. Where none is running, it starts one for the while.
    """
    if "--help" in context.args:
        _print_options(context)
        other_programs.execute(python_command("soundalike.crawler", *context.args), os.environ)
    if "--watch" in context.args or context.args[:1] in (["forget"], ["library"]):
        other_programs.execute(
            python_command("soundalike.crawler", *context.args), other_programs.platform_environment(data)
        )
    from soundalike.local.crawl_command import CrawlCommand

    try:
        command = CrawlCommand(default_directory(data), context.args, stay=stay, wait=not no_wait)
        status = run_until_signal(command.run(), on_further_signal=command.force_stop.set)
    except LocalPlatformError as error:
        fail(error)
    raise typer.Exit(status)


@app.command(name="open")
def open_page(
    data: Data = None,
    browser: Annotated[bool, typer.Option(help="Open the browser, or only print the address.")] = True,
) -> None:
    """Open the page of the running platform in the browser."""
    try:
        url = f"{find_default(data).api_url}/"
    except LocalPlatformError as error:
        fail(error)
    echo(url)
    if browser and not webbrowser.open(url):
        echo("No browser could be opened: open this address yourself.", err=True)


for program in other_programs.PROGRAMS:
    app.command(context_settings=other_programs.PASSTHROUGH, add_help_option=False)(program)


@login.command()
def spotify(
    data: Data = None,
    port: Annotated[int, typer.Option(help="Port on which Spotify's answer arrives.", min=1, max=65_535)] = LOGIN_PORT,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Let crawls read your Spotify playlists and saved tracks (needs SPOTIFY_CLIENT_ID)."""
    from soundalike.local.spotify_login import Login, SpotifyApp

    directory = DataDirectory.at(data)
    consent = Login(load(SpotifyApp), port=port, report=echo)
    if not browser:
        consent.open_browser = lambda _: None
    try:
        directory.create()
        consent.run(directory.spotify_file)
    except LocalPlatformError as error:
        fail(error)
    echo(f"Logged in. Crawls into {directory.root} can now read your Spotify library.")


@app.command()
def status(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Show it again and again until Ctrl-C; a line for each change without a terminal."
        ),
    ] = False,
) -> None:
    """Show tracks by state, the analysis, dead letters and why, the index, which programs run, what is missing or lost.

    Ends with status 1 where the database does not answer.
    """
    from soundalike.local import status as reporting

    if watch:
        if as_json:
            raise typer.BadParameter("give --json or --watch, not both")
        from soundalike.local import status_watch

        try:
            reader = reporting.prepare_reader(default_directory(data))
        except LocalPlatformError as error:
            fail(error)
        raise typer.Exit(
            run_until_signal(_watch_status(status_watch.watch(reader, Console())), on_further_signal=lambda: None)
        )
    try:
        report = asyncio.run(reporting.read_status(default_directory(data)))
    except LocalPlatformError as error:
        fail(error)
    text = json.dumps(reporting.as_json(report), indent=2) if as_json else reporting.render(report)
    echo(*text.split("\n"))
    if report.content is None:
        raise typer.Exit(1)


app.command()(recommend)


def main() -> None:
    """Run the command that the arguments name."""
    with escaped_tracebacks():
        app()


async def _up(platform: Platform, option: str) -> int:
    async with platform.running():
        echo("Press Ctrl-C to stop. In another terminal:")
        echo(f"  {shown_command()} crawl{option} --folder ~/Music")
        echo(f"  {shown_command()} open{option}")
        echo(f"  {shown_command()} status{option}")
        await platform.watch()
    return 0


async def _watch_status(work: Coroutine[None, None, None]) -> int:
    await work
    return 0


def _print_options(context: typer.Context) -> None:
    """Print the options that this command has besides those of the program that it runs."""
    echo("Options of `soundalike crawl` itself, which uses the running platform or starts one for the while:")
    for parameter in context.command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            echo(f"  {record[0]:<18}  {record[1]}")
