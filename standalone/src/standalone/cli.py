"""The `soundalike` command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from catalog.errors import CatalogError
from standalone.data_directory import VARIABLE, DataDirectory
from standalone.errors import SettingRefused, StandaloneError
from standalone.interruption import run_until_signal
from standalone.launch import EX_CONFIG
from standalone.platform import API_PORT, Platform
from standalone.program import python
from standalone.running import find_usual

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Finds the tracks that sound alike: the whole platform on this machine.",
)
index = typer.Typer(no_args_is_help=True, help="The search index.")
app.add_typer(index, name="index")

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the platform's data.", envvar=VARIABLE, show_envvar=True, file_okay=False),
]

# What follows belongs to another program, its --help included.
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def up(
    data: Data = None,
    port: Annotated[int, typer.Option(help="Port of the API.", min=1, max=65_535)] = API_PORT,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Crawl the built-in sample music, not Spotify.")] = False,
) -> None:
    """Run the platform in the foreground until Ctrl-C."""
    directory = DataDirectory.at(data)
    platform = Platform(directory, port=port, sandbox=sandbox, report=typer.echo)
    try:
        status = run_until_signal(_up(platform, directory.option), again=platform.supervisor.hurry.set)
    except StandaloneError as error:
        _fail(error)
    raise typer.Exit(status)


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the demo's data, apart from your own.", file_okay=False)
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the API.", min=1, max=65_535)] = API_PORT,
    once: Annotated[bool, typer.Option("--once", help="End after the answers.")] = False,
) -> None:
    """Send composed sample music the whole way, show what sounds alike, and serve until Ctrl-C."""
    from standalone.demo import Demo

    shown = Demo(DataDirectory.of_the_demo() if data is None else DataDirectory.at(data), port=port)
    try:
        status = run_until_signal(shown.run(once=once), again=shown.platform.supervisor.hurry.set)
    except (StandaloneError, CatalogError) as error:
        _fail(error)
    raise typer.Exit(status)


@app.command(context_settings=_PASSED_ON, add_help_option=False)
def crawl(context: typer.Context, data: Data = None) -> None:
    """Crawl a playlist or a folder into the running platform (see: soundalike crawl --help)."""
    # Its help needs no platform.
    environment = os.environ if "--help" in context.args else _environment(data)
    _become(python("crawler", *context.args), environment)


@app.command(context_settings=_PASSED_ON, add_help_option=False)
def extract(context: typer.Context) -> None:
    """Hear audio files and write their vectors, without a platform (see: soundalike extract --help)."""
    _become(python("extractor", "extract", *context.args), os.environ)


@app.command(context_settings=_PASSED_ON, add_help_option=False)
def evaluate(context: typer.Context) -> None:
    """Measure how good the recommendations are on a folder of music (see: soundalike evaluate --help)."""
    _become(python("evaluation", *context.args), os.environ)


@index.command(context_settings=_PASSED_ON, add_help_option=False)
def build(context: typer.Context, data: Data = None) -> None:
    """Build and publish a version of the index now."""
    environment = os.environ if "--help" in context.args else _environment(data)
    _become(python("indexer", "build", *context.args), environment)


@app.command()
def status(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show where the tracks stand, what waits in the queues, and what the index covers."""
    from standalone import status as reporting

    try:
        report = asyncio.run(reporting.gather(find_usual(data)))
    except StandaloneError as error:
        _fail(error)
    typer.echo(json.dumps(reporting.as_json(report), indent=2) if as_json else reporting.render(report))


@app.command()
def recommend(
    track: Annotated[str, typer.Argument(help="Link, URI or id of the track.")],
    n: Annotated[int, typer.Option("-n", help="How many answers.", min=1, max=100)] = 10,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="Only tracks with this tag; may be repeated.")] = None,
    not_tags: Annotated[
        list[str] | None, typer.Option("--not-tag", help="No track with this tag; may be repeated.")
    ] = None,
    data: Data = None,
) -> None:
    """Show the tracks that sound like this one."""
    from standalone import recommendation

    try:
        url = find_usual(data).api_url
        answers = recommendation.recommend(url, track, n, tags=tags or (), not_tags=not_tags or ())
    except StandaloneError as error:
        _fail(error)
    typer.echo(recommendation.render(answers))


def main() -> None:
    """Run the command that the arguments name."""
    app()


async def _up(platform: Platform, option: str) -> int:
    async with platform.running():
        typer.echo("Ctrl-C stops it. In another terminal:")
        typer.echo(f"  soundalike crawl{option} --folder ~/Music")
        typer.echo(f"  soundalike status{option}")
        await platform.watch()
    return 0


def _environment(data: Path | None) -> dict[str, str]:
    try:
        return find_usual(data).child_environment(os.environ)
    except StandaloneError as error:
        _fail(error)


def _become(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    sys.stdout.flush()
    os.execve(command[0], command, dict(environment))  # noqa: S606 - there is no shell and none is wanted


def _fail(error: StandaloneError | CatalogError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(EX_CONFIG if isinstance(error, SettingRefused) else 1) from error
