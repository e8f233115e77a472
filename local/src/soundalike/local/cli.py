"""The `soundalike` command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from soundalike.errors import SoundalikeError
from soundalike.local.data_directory import DATA_VARIABLE, DataDirectory
from soundalike.local.errors import InvalidSettings, LocalPlatformError, NotInstalled
from soundalike.local.launch import EX_CONFIG
from soundalike.local.platform import API_PORT, Platform
from soundalike.local.program import python_command, shown_command
from soundalike.local.running_platform import default_directory, find_default
from soundalike.local.signals import run_until_signal
from soundalike.settings import load
from soundalike.terminal import echo, echo_document, escaped_tracebacks

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Find tracks that sound alike. Runs the whole platform on this machine, without Docker.",
)
index = typer.Typer(no_args_is_help=True, help="The search index.")
app.add_typer(index, name="index")
login = typer.Typer(no_args_is_help=True, help="Log in to a service, so that crawls read it as you.")
app.add_typer(login, name="login")

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The platform's data folder.", envvar=DATA_VARIABLE, show_envvar=True, file_okay=False),
]

LOGIN_PORT = 8898

PAGE = "/docs"
"""The API's page for people."""

# The arguments, --help included, are those of another program.
_PASSTHROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}


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
        _fail(error)
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
        _fail(error)
    raise typer.Exit(status)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
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
        _execute(python_command("soundalike.crawler", *context.args), os.environ)
    if "--watch" in context.args or context.args[:1] in (["forget"], ["library"]):
        _execute(python_command("soundalike.crawler", *context.args), _platform_environment(data))
    from soundalike.local.crawl_command import CrawlCommand

    try:
        command = CrawlCommand(default_directory(data), context.args, stay=stay, wait=not no_wait)
        status = run_until_signal(command.run(), on_further_signal=command.force_stop.set)
    except LocalPlatformError as error:
        _fail(error)
    raise typer.Exit(status)


@app.command(name="open")
def open_page(
    data: Data = None,
    browser: Annotated[bool, typer.Option(help="Open the browser, or only print the address.")] = True,
) -> None:
    """Open the page of the running platform in the browser."""
    try:
        url = f"{find_default(data).api_url}{PAGE}"
    except LocalPlatformError as error:
        _fail(error)
    echo(url)
    if browser and not webbrowser.open(url):
        echo("No browser could be opened: open this address yourself.", err=True)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def forget(context: typer.Context, data: Data = None) -> None:
    """Delete a track, recording, artist, user or playlist for good (see: soundalike forget --help)."""
    environment = os.environ if "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.crawler", "forget", *context.args), environment)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def library(context: typer.Context, data: Data = None) -> None:
    """List, add, scan and remove the folders of your own music (see: soundalike library --help)."""
    needs_platform = context.args and "--help" not in context.args
    environment = _platform_environment(data) if needs_platform else os.environ
    _execute(python_command("soundalike.crawler", "library", *context.args), environment)


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
        _fail(error)
    echo(f"Logged in. Crawls into {directory.root} can now read your Spotify library.")


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def extract(context: typer.Context) -> None:
    """Extract embeddings from audio files, without a platform (see: soundalike extract --help)."""
    _execute(python_command("soundalike.extractor", "extract", *context.args), os.environ)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def redrive(context: typer.Context, data: Data = None) -> None:
    """Retry previews that failed repeatedly: move the dead letters back to the queue."""
    environment = os.environ if "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.extractor", "redrive", *context.args), environment)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def keys(context: typer.Context, data: Data = None) -> None:
    """Create, list and revoke API keys (see: soundalike keys --help)."""
    environment = os.environ if not context.args or "--help" in context.args else _platform_environment(data)
    _execute(python_command("soundalike.api", "keys", *context.args), environment)


@app.command(context_settings=_PASSTHROUGH, add_help_option=False)
def evaluate(context: typer.Context) -> None:
    """Measure the quality of recommendations on a folder of music (see: soundalike evaluate --help)."""
    if find_spec("soundalike.research") is None:
        _fail(NotInstalled("The evaluation is not installed: run `make install` in the checkout."))
    _execute(python_command("soundalike.research.evaluation", *context.args), os.environ)


@index.command(name="list", context_settings=_PASSTHROUGH, add_help_option=False)
def list_versions(context: typer.Context, data: Data = None) -> None:
    """List the versions of the index, newest first."""
    _index("list", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def build(context: typer.Context, data: Data = None) -> None:
    """Build and publish a new version of the index (--no-publish: only build it)."""
    _index("build", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def taste(context: typer.Context, data: Data = None) -> None:
    """Build and publish a new version of taste: which tracks the same people favourite."""
    _index("taste", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def publish(context: typer.Context, data: Data = None) -> None:
    """Serve a version of the index: the given one, or the newest."""
    _index("publish", context, data)


@index.command(context_settings=_PASSTHROUGH, add_help_option=False)
def rollback(context: typer.Context, data: Data = None) -> None:
    """Serve an older version of the index again, and pause automatic builds."""
    _index("rollback", context, data)


@app.command()
def status(
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show tracks by state, queue lengths, the index, which programs run, and what is missing or was lost.

    Ends with status 1 where the database does not answer.
    """
    from soundalike.local import status as reporting

    try:
        report = asyncio.run(reporting.read_status(default_directory(data)))
    except LocalPlatformError as error:
        _fail(error)
    text = json.dumps(reporting.as_json(report), indent=2) if as_json else reporting.render(report)
    echo(*text.split("\n"))
    if report.content is None:
        raise typer.Exit(1)


@app.command()
def recommend(
    tracks: Annotated[
        list[str] | None, typer.Argument(metavar="TRACK…", help="Links, URIs or ids of one or more tracks.")
    ] = None,
    *,
    playlist: Annotated[
        str | None,
        typer.Option(
            help="Recommend for a playlist instead of tracks: its address or id, or a list file that was crawled."
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Recommend for a SoundCloud user instead of tracks.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Compare by sound, by taste (who favourites the tracks), or by both.")
    ] = None,
    blend: Annotated[
        float | None, typer.Option(help="Weight of taste with --by both, 0 to 1 (default: 0.5).", min=0, max=1)
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many recommendations.", min=1, max=100)] = 10,
    min_score: Annotated[float | None, typer.Option(help="Lowest score, 0 to 1.", min=0, max=1)] = None,
    max_per_artist: Annotated[
        int | None, typer.Option(help="Most tracks by one artist (default: 2).", min=1, max=100)
    ] = None,
    max_per_album: Annotated[
        int | None, typer.Option(help="Most tracks from one album (default: 1).", min=1, max=100)
    ] = None,
    diversity: Annotated[
        float | None, typer.Option(help="How much the results should differ from each other, 0 to 1.", min=0, max=1)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only tracks with this tag. Repeatable.")] = None,
    not_tag: Annotated[list[str] | None, typer.Option(help="No tracks with this tag. Repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Leave out this track. Repeatable.")] = None,
    exclude_artist: Annotated[list[str] | None, typer.Option(help="Leave out this artist. Repeatable.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only from spotify, deezer, soundcloud or file. Repeatable.")
    ] = None,
    min_duration: Annotated[float | None, typer.Option(help="Shortest duration in seconds.", min=0)] = None,
    max_duration: Annotated[float | None, typer.Option(help="Longest duration in seconds.", min=0)] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="Output format: json, m3u, jspf or csv (default: text).")
    ] = None,
    paths: Annotated[
        str | None,
        typer.Option(
            help="How m3u, jspf and csv name your own files: absolute (default), relative=FOLDER, uri or none."
        ),
    ] = None,
    path_prefix_from: Annotated[
        str | None, typer.Option(help="For the paths of another machine: the folder that --path-prefix-to replaces.")
    ] = None,
    path_prefix_to: Annotated[str | None, typer.Option(help="The same folder as the other machine names it.")] = None,
    data: Data = None,
) -> None:
    """Show tracks that sound like the given ones (or that the same people like), or that fit a playlist or a user."""
    from soundalike.local import recommendation

    if [bool(tracks), playlist is not None, user is not None].count(True) != 1:
        raise typer.BadParameter("name tracks, or use --playlist, or --user")
    options = {
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
        "paths": recommendation.absolute_folder(paths),
        "path_prefix_from": path_prefix_from,
        "path_prefix_to": path_prefix_to,
    }
    parameters = {
        name: value if isinstance(value, list) else str(value)
        for name, value in options.items()
        if value is not None and value != []
    }
    request = recommendation.RecommendationRequest(tracks or (), recommendation.playlist_of(playlist), parameters)
    try:
        url = find_default(data).api_url
        if form is None:
            echo(*recommendation.render(recommendation.recommend(url, request)))
        else:
            echo_document(recommendation.recommend_as_text(url, request).removesuffix("\n") + "\n")
    except LocalPlatformError as error:
        _fail(error)


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


def _print_options(context: typer.Context) -> None:
    """Print the options that this command has besides those of the program that it runs."""
    echo("Options of `soundalike crawl` itself, which uses the running platform or starts one for the while:")
    for parameter in context.command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            echo(f"  {record[0]:<18}  {record[1]}")


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
    os.execve(command[0], command, dict(environment))  # noqa: S606 - no shell is needed


def _fail(error: SoundalikeError) -> NoReturn:
    # The end of a log comes in several lines.
    echo(*str(error).split("\n"), err=True)
    raise typer.Exit(EX_CONFIG if isinstance(error, InvalidSettings) else 1) from error
