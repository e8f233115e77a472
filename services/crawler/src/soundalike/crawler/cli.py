"""The crawler's command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from soundalike.crawler.errors import InvalidTarget
from soundalike.crawler.forget_command import app as forgetting
from soundalike.crawler.library.scan import ScanOptions
from soundalike.crawler.library_command import app as managing
from soundalike.crawler.session import CrawlOptions
from soundalike.crawler.session_run import hours_between, run_session
from soundalike.crawler.settings import CrawlerSettings
from soundalike.crawler.source_factory import check_settings
from soundalike.crawler.sources.registry import (
    ACCEPTED_FORMS,
    FolderPath,
    Target,
    no_folder,
    parse_target,
    second_meaning,
)
from soundalike.crawler.walk.cli import app as walking
from soundalike.domain.file_paths import PathPrefix
from soundalike.settings import load
from soundalike.terminal import echo, escaped_tracebacks

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE = 2

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Crawls lists of tracks and uploads their previews to the object store.",
)

FolderOption = Annotated[list[Path] | None, typer.Option(help="A folder of music files.")]
IntervalOption = Annotated[
    float | None,
    typer.Option(
        "--every",
        help="Crawl these lists again every so many hours while a crawler watches; 0: never again.",
        min=0,
        max=24 * 365,
    ),
]


CheckOption = Annotated[
    bool, typer.Option("--check", hidden=True, help="Only check the settings and what is to be crawled.")
]


@app.command()
def crawl(
    targets: Annotated[
        list[str] | None, typer.Argument(help=f"What to crawl, each {ACCEPTED_FORMS}.", metavar="[WHAT]...")
    ] = None,
    *,
    playlist: Annotated[list[str] | None, typer.Option(help="A playlist of a service: address, URI or id.")] = None,
    folder: FolderOption = None,
    library: Annotated[
        bool, typer.Option("--library", help="The saved tracks and playlists of the user who is logged in to Spotify.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Keep running: fetch requested tracks, and crawl lists again when they are due, these every "
            "RECRAWL_HOURS unless --every is given.",
        ),
    ] = False,
    every: IntervalOption = None,
    retry_rejected: Annotated[bool, typer.Option("--retry-rejected", help="Try rejected tracks again.")] = False,
    retry_missing: Annotated[
        bool, typer.Option("--retry-missing", help="Look again for previews that were not found.")
    ] = False,
    include_video: Annotated[
        bool,
        typer.Option("--include-video", help="Analyse the sound of video files in folders, too (INCLUDE_VIDEO=yes)."),
    ] = False,
    path_prefix_from: Annotated[
        str | None,
        typer.Option(help="For lists of files from another machine: the folder that --path-prefix-to replaces."),
    ] = None,
    path_prefix_to: Annotated[str | None, typer.Option(help="The same folder on this machine.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every file of a folder again, changed or not.")] = False,
    accept_gone: Annotated[
        bool, typer.Option("--accept-gone", help="Do not ask where more than a tenth of a folder is gone at once.")
    ] = False,
    check: CheckOption = False,
) -> None:
    """Crawl lists of tracks, one after the other; `forget`, `library` and `soundcloud` are commands of their own."""
    crawl_targets = [*map(_target, [*(targets or []), *(playlist or [])]), *map(_folder, folder or [])]
    if not (crawl_targets or library or watch):
        raise typer.BadParameter(f"nothing to crawl: give {ACCEPTED_FORMS}; or --library, or --watch")
    settings = load(CrawlerSettings)
    settings = settings.model_copy(update={"include_video": settings.include_video or include_video})
    check_settings(settings, crawl_targets, library=library)
    if check:
        _check_folders(crawl_targets)
        return
    options = CrawlOptions(
        targets=tuple(crawl_targets),
        library=library,
        watch=watch,
        interval=hours_between(settings.recrawl_hours if watch and every is None else every),
        retry_rejected=retry_rejected,
        retry_missing=retry_missing,
        path_prefix=_path_prefix(path_prefix_from, path_prefix_to),
        scan=ScanOptions(full=full, accept_gone=accept_gone),
    )
    raise typer.Exit(run_session(options, settings))


def main() -> None:
    """Run the command that the arguments name."""
    with escaped_tracebacks():
        for command in sys.argv[1:2]:
            if command in {"forget", "library", "soundcloud"} and Path(command).exists():
                echo(f"{command} is a command here; ./{command} is the folder or file of this name", err=True)
        if sys.argv[1:2] == ["forget"]:
            forgetting(sys.argv[2:], prog_name="forget")
        elif sys.argv[1:2] == ["library"]:
            managing(sys.argv[2:], prog_name="library")
        elif sys.argv[1:2] == ["soundcloud"]:
            walking(sys.argv[2:], prog_name="soundcloud")
        else:
            app()


def _target(text: str) -> Target:
    try:
        target = parse_target(text)
    except InvalidTarget as error:
        _refuse(str(error))
    if note := second_meaning(text, target):
        echo(note, err=True)
    return target


def _path_prefix(old: str | None, new: str | None) -> PathPrefix | None:
    if old is None and new is None:
        return None
    if not old or not new:
        raise typer.BadParameter("--path-prefix-from and --path-prefix-to are given together", param_hint="path-prefix")
    return PathPrefix(old, str(Path(new).expanduser().absolute()))


def _folder(path: Path) -> FolderPath:
    if not path.is_dir():
        _refuse(no_folder(path))
    return FolderPath(path)


def _check_folders(targets: Sequence[Target]) -> None:
    """Exit with 1 for an empty folder: a platform that is started for it would have nothing to do."""
    for target in targets:
        if isinstance(target, FolderPath) and not any(target.path.iterdir()):
            echo(f"{target.path} is empty: name a folder with music, or check that its disk is there", err=True)
            raise typer.Exit(1)


def _refuse(text: str) -> NoReturn:
    # In a sentence of its own: the box of a usage error breaks paths and addresses.
    echo(text, err=True)
    raise typer.Exit(_USAGE)
