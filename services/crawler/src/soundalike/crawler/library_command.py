"""`library`: the folders of one's own music, and what is known of them."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundalike import logs
from soundalike.crawler.console_commands import confirm, fail, plural, with_catalogue
from soundalike.crawler.library import duplicate_report
from soundalike.crawler.library import duplicates as duplicates_of_libraries
from soundalike.crawler.library.scan import ScanOptions
from soundalike.crawler.session import CrawlOptions
from soundalike.crawler.session_run import hours_between, run_session
from soundalike.crawler.settings import CrawlerSettings
from soundalike.crawler.sources.registry import FolderPath, no_folder
from soundalike.db import gone_tracks, libraries, locations
from soundalike.db.database import in_transaction
from soundalike.db.locations import LibraryCounts
from soundalike.domain.file_paths import display_path
from soundalike.settings import load
from soundalike.terminal import echo, echo_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library, Subfolder

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Your own music: folders that are scanned for what was added, changed, moved and deleted.",
    no_args_is_help=True,
)

Folders = Annotated[list[Path], typer.Argument(help="Folders of music files.", metavar="FOLDER...")]
SomeFolders = Annotated[
    list[Path] | None,
    typer.Argument(help="Libraries, or folders in them; all libraries if missing.", metavar="[FOLDER]..."),
]
Every = Annotated[
    float | None,
    typer.Option("--every", help="Scan again every so many hours while a crawler watches; 0: never again.", min=0),
]
Full = Annotated[bool, typer.Option("--full", help="Read every file again, changed or not.")]
AcceptGone = Annotated[
    bool, typer.Option("--accept-gone", help="Do not ask where more than a tenth of a library is gone at once.")
]
RetryRejected = Annotated[bool, typer.Option("--retry-rejected", help="Try rejected tracks again.")]


@app.command()
def add(folders: Folders, every: Every = None) -> None:
    """Scan folders, and scan them again whenever something changes in them while the platform runs."""
    for folder in folders:
        if not folder.is_dir():
            fail(no_folder(folder))
    targets = tuple(FolderPath(folder, watched=True) for folder in folders)
    raise typer.Exit(run_session(CrawlOptions(targets=targets, interval=hours_between(every)), load(CrawlerSettings)))


@app.command(name="list")
def list_libraries() -> None:
    """List the libraries: how many files with music they have, other files, and how many are gone."""
    logs.configure("crawler", "WARNING")
    known, counts = with_catalogue(_libraries)
    if not known:
        echo("No library yet: soundalike library add ~/Music")
    for library in known:
        echo(_line(library, counts.get(library.id, LibraryCounts())))


@app.command()
def scan(
    folders: SomeFolders = None,
    *,
    full: Full = False,
    accept_gone: AcceptGone = False,
    retry_rejected: RetryRejected = False,
    every: Every = None,
) -> None:
    """Look for what was added, changed, moved and deleted; what is unchanged is not read again."""
    targets = tuple(FolderPath(Path(os.fsdecode(root))) for root in with_catalogue(lambda pool: _roots(pool, folders)))
    if not targets:
        fail("there is no library yet: soundalike library add ~/Music")
    options = CrawlOptions(
        targets=targets,
        interval=hours_between(every),
        retry_rejected=retry_rejected,
        scan=ScanOptions(full=full, accept_gone=accept_gone),
    )
    raise typer.Exit(run_session(options, load(CrawlerSettings)))


@app.command()
def remove(folders: Folders) -> None:
    """Forget where the files of a library lie, touching none; tracks that lie nowhere else leave search and answers."""
    logs.configure("crawler", "WARNING")
    for folder in folders:
        library, count = with_catalogue(partial(_remove, folder))
        echo(
            f"removed: {display_path(library.root)}; {plural(count, 'track')} of it can be found no more. "
            "`soundalike library add` brings them back, `soundalike library prune` deletes them for good"
        )


@app.command()
def prune(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    unlocated: Annotated[
        bool,
        typer.Option(
            "--unlocated",
            help="Also files that lie in no library: those that were deleted before there were libraries. Crawl all "
            "folders that you have first.",
        ),
    ] = False,
) -> None:
    """Delete the tracks whose files are gone for good, with their analysis; they may come again as new ones."""
    logs.configure("crawler", "WARNING")
    if unlocated:
        count = with_catalogue(lambda pool: in_transaction(pool, gone_tracks.mark_unlocated))
        echo(f"in no library, and gone: {plural(count, 'track')}")
    count = with_catalogue(gone_tracks.count)
    if not count:
        echo("no track is gone")
        return
    if not yes:
        confirm(f"Delete {plural(count, 'track')} whose files are gone?", "nothing was deleted")
    deleted = with_catalogue(lambda pool: in_transaction(pool, gone_tracks.prune))
    echo(f"deleted: {plural(deleted, 'track')}")


@app.command()
def duplicates(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line for each file.")] = False,
) -> None:
    """List files that are one recording, in copies, other encodings or cut short; none is deleted."""
    logs.configure("crawler", "WARNING")
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    groups = with_catalogue(duplicates_of_libraries.groups)
    if as_json:
        echo_document(duplicate_report.to_json(groups))
    elif as_csv:
        echo_document(duplicate_report.to_csv(groups))
    else:
        echo(*duplicate_report.lines(groups))


async def _remove(folder: Path, pool: Pool) -> tuple[Library, int]:
    library = _whole_library(folder, await _subfolder(pool, folder))
    return library, await in_transaction(pool, lambda db: gone_tracks.remove_library(db, library))


async def _libraries(pool: Pool) -> tuple[Sequence[Library], Mapping[int, LibraryCounts]]:
    return await libraries.all_libraries(pool), await locations.counts(pool)


async def _roots(pool: Pool, folders: Sequence[Path] | None) -> Sequence[bytes]:
    if not folders:
        return [library.root for library in await libraries.all_libraries(pool)]
    for folder in folders:
        if await _subfolder(pool, folder) is None:
            fail(f"{folder} is in no library: soundalike library add {folder}")
    return [os.fsencode(folder) for folder in folders]


async def _subfolder(pool: Pool, folder: Path) -> Subfolder | None:
    return await libraries.containing(pool, os.fsencode(await asyncio.to_thread(folder.resolve)))


def _whole_library(folder: Path, subfolder: Subfolder | None) -> Library:
    if subfolder is None:
        fail(f"{folder} is no library; `soundalike library list` lists them")
    if subfolder.path:
        fail(
            f"{folder} is a part of the library {display_path(subfolder.library.root)}, which can be removed as a whole"
        )
    return subfolder.library


def _line(library: Library, counts: LibraryCounts) -> str:
    scanned = f"scanned {library.scanned_at:%Y-%m-%d %H:%M} UTC" if library.scanned_at else "never scanned to its end"
    every = f"every {library.interval.total_seconds() / 3600:g} hours" if library.interval else None
    return "  ".join(
        filter(
            None,
            (
                display_path(library.root),
                f"{plural(counts.files, 'file')} of music",
                f"{counts.ignored} other",
                f"{counts.gone} gone",
                "watched" if library.watched else None,
                every,
                scanned,
            ),
        )
    )
