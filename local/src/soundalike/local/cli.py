"""The `soundalike` command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from soundalike.errors import SoundalikeError
from soundalike.local.data_directory import DATA_VARIABLE, DataDirectory
from soundalike.local.errors import InvalidSettings, LocalPlatformError, NotInstalled
from soundalike.local.launch import EX_CONFIG
from soundalike.local.platform import API_PORT, Platform
from soundalike.local.program import python_command
from soundalike.local.running_platform import default_directory, find_default
from soundalike.local.signals import run_until_signal
from soundalike.settings import load

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
login = typer.Typer(no_args_is_help=True, help="Reading a service as its user.")
app.add_typer(login, name="login")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of the platform's data.", envvar=DATA_VARIABLE, show_envvar=True, file_okay=False
    ),
]

# What follows belongs to another program, its --help included.
LOGIN_PORT = 8898

_PASSTHROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}


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
        status = run_until_signal(
            _up(platform, directory.command_option), on_further_signal=platform.supervisor.force_stop.set
        )
    except LocalPlatformError as error:
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
    from soundalike.local.demo import Demo

    shown = Demo(DataDirectory.for_demo() if data is None else DataDirectory.at(data), port=port)
    try:
        status = run_until_signal(shown.run(once=once), on_further_signal=shown.platform.supervisor.force_stop.set)
    except (LocalPlatformError, SoundalikeError) as error:
        _fail(error)
    raise typer.Exit(status)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def crawl(context: typer.Context, data: Data = None) -> None:
    """Crawl lists, folders or your library into the running platform (see: soundalike crawl --help)."""
    # Its help needs no platform.
    environment = os.environ if "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.crawler", *context.args), environment)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def forget(context: typer.Context, data: Data = None) -> None:
    """Delete a track, recording, artist, user or playlist for good (see: soundalike forget --help)."""
    environment = os.environ if "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.crawler", "forget", *context.args), environment)


@login.command()
def spotify(
    data: Data = None,
    port: Annotated[int, typer.Option(help="Port that the browser is sent back to.", min=1, max=65_535)] = LOGIN_PORT,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Let crawls read your playlists and saved tracks at Spotify (needs SPOTIFY_CLIENT_ID)."""
    from soundalike.local.spotify_login import Login, SpotifyApp

    directory = DataDirectory.at(data)
    asking = Login(load(SpotifyApp), port=port, report=typer.echo)
    if not browser:
        asking.open_browser = lambda _: None
    try:
        directory.create()
        asking.run(directory.spotify_file)
    except LocalPlatformError as error:
        _fail(error)
    typer.echo(f"Done. Crawls of the platform on {directory.root} read as you from now on.")


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def extract(context: typer.Context) -> None:
    """Hear audio files and write their vectors, without a platform (see: soundalike extract --help)."""
    _execute(python_command("soundalike.extractor", "extract", *context.args), os.environ)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def redrive(context: typer.Context, data: Data = None) -> None:
    """Extract previews again that were given up: moves the dead letters back to the queue."""
    environment = os.environ if "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.extractor", "redrive", *context.args), environment)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def keys(context: typer.Context, data: Data = None) -> None:
    """Make, list and revoke keys for calling the API (see: soundalike keys --help)."""
    environment = os.environ if not context.args or "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.api", "keys", *context.args), environment)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def evaluate(context: typer.Context) -> None:
    """Measure how good the recommendations are on a folder of music (see: soundalike evaluate --help)."""
    if find_spec("soundalike.research") is None:
        _fail(NotInstalled("What measures is not installed here: `make install` does it, in the checkout."))
    _execute(python_command("soundalike.research.evaluation", *context.args), os.environ)


@index.command(name="list", context_settings=_PASSTHROUGH, add_help_option=False)
def list_versions(context: typer.Context, data: Data = None) -> None:
    """Show the versions of the index, newest first."""
    _index("list", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def build(context: typer.Context, data: Data = None) -> None:
    """Build and publish a version of the index now (--no-publish: only build it)."""
    _index("build", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def taste(context: typer.Context, data: Data = None) -> None:
    """Build and publish what is favourited together, of everything that was walked, now."""
    _index("taste", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def publish(context: typer.Context, data: Data = None) -> None:
    """Let a version of the index answer: the one that is named, or the newest."""
    _index("publish", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def rollback(context: typer.Context, data: Data = None) -> None:
    """Go back to an older version of the index, and hold automatic builds."""
    _index("rollback", context, data)


@app.command()
def status(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show where the tracks stand, what waits, what the index covers, and which programs run."""
    from soundalike.local import status as reporting

    try:
        report = asyncio.run(reporting.read_status(default_directory(data)))
    except LocalPlatformError as error:
        _fail(error)
    typer.echo(json.dumps(reporting.as_json(report), indent=2) if as_json else reporting.render(report))


@app.command()
def recommend(
    tracks: Annotated[
        list[str] | None, typer.Argument(metavar="TRACK…", help="Links, URIs or ids of one track or several.")
    ] = None,
    *,
    playlist: Annotated[str | None, typer.Option(help="What fits this playlist, instead of tracks.")] = None,
    user: Annotated[str | None, typer.Option(help="What to suggest to this user of SoundCloud, instead.")] = None,
    by: Annotated[
        str | None, typer.Option(help="What makes tracks alike: sound, taste (who favourites them), or both.")
    ] = None,
    blend: Annotated[
        float | None, typer.Option(help="Weight of taste with --by both, 0 to 1; .5 if not said.", min=0, max=1)
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many answers.", min=1, max=100)] = 10,
    min_score: Annotated[float | None, typer.Option(help="The score that every answer reaches.", min=0, max=1)] = None,
    max_per_artist: Annotated[
        int | None, typer.Option(help="Answers by one artist, 2 if not said.", min=1, max=100)
    ] = None,
    max_per_album: Annotated[
        int | None, typer.Option(help="Answers from one album, 1 if not said.", min=1, max=100)
    ] = None,
    diversity: Annotated[
        float | None, typer.Option(help="How much answers are to differ from each other, 0 to 1.", min=0, max=1)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only tracks with this tag; may be repeated.")] = None,
    not_tag: Annotated[list[str] | None, typer.Option(help="No track with this tag; may be repeated.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Not this track; may be repeated.")] = None,
    exclude_artist: Annotated[list[str] | None, typer.Option(help="Nothing by this artist; may be repeated.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only from spotify, deezer, soundcloud or file; may be repeated.")
    ] = None,
    min_duration: Annotated[float | None, typer.Option(help="Least length in seconds.", min=0)] = None,
    max_duration: Annotated[float | None, typer.Option(help="Greatest length in seconds.", min=0)] = None,
    form: Annotated[str | None, typer.Option("--format", help="Write json, m3u, jspf or csv instead.")] = None,
    data: Data = None,
) -> None:
    """Show the tracks that sound like one track or several, or go with them by taste; or fit a playlist, or a user."""
    from soundalike.local import recommendation

    if [bool(tracks), playlist is not None, user is not None].count(True) != 1:
        raise typer.BadParameter("give tracks, or --playlist, or --user")
    wishes = {
        "user": user,
        "by": by,
        "blend": blend,
        "n": n,
        "min_score": min_score,
        "max_per_artist": max_per_artist,
        "max_per_album": max_per_album,
        "diversity": diversity,
        "tag": tag,
        "not_tag": not_tag,
        "exclude": exclude,
        "exclude_artist": exclude_artist,
        "source": source,
        "min_duration": min_duration,
        "max_duration": max_duration,
        "format": form,
    }
    said = {
        name: value if isinstance(value, list) else str(value)
        for name, value in wishes.items()
        if value is not None and value != []
    }
    question = recommendation.RecommendationRequest(tracks or (), playlist, said)
    try:
        url = find_default(data).api_url
        if form is None:
            text = recommendation.render(recommendation.recommend(url, question))
        else:
            text = recommendation.recommend_as_text(url, question).removesuffix("\n")
    except LocalPlatformError as error:
        _fail(error)
    typer.echo(text)


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


def _platform_environment(data: Path | None) -> dict[str, str]:
    try:
        return find_default(data).child_environment(os.environ)
    except LocalPlatformError as error:
        _fail(error)


def _index(command: str, context: typer.Context, data: Path | None) -> NoReturn:
    environment = os.environ if "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.indexer", command, *context.args), environment)


def _execute(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    sys.stdout.flush()
    os.execve(command[0], command, dict(environment))  # noqa: S606 - there is no shell and none is wanted


def _fail(error: LocalPlatformError | SoundalikeError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(EX_CONFIG if isinstance(error, InvalidSettings) else 1) from error
