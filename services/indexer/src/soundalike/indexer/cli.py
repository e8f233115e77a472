"""Command line of the indexer."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, TypeVar

import numpy as np
import typer

from soundalike import logs
from soundalike.db import database
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import UnusableDirectory
from soundalike.indexer.errors import EXPECTED_FAILURES
from soundalike.indexer.health_file import keep_health_file_fresh
from soundalike.indexer.poller import retry_while_busy
from soundalike.indexer.settings import IndexerSettings
from soundalike.indexer.taste_indexer import TasteIndexer
from soundalike.indexer.version_table import render
from soundalike.indexer.worker import Indexer
from soundalike.settings import exit_with_problems, load
from soundalike.storage.object_store import S3Store
from soundalike.terminal import echo, escaped_tracebacks
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.db.database import Pool
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.storage.object_store import ObjectStore

T = TypeVar("T")

log = logging.getLogger(__name__)

_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Build and publish the similarity index.",
)


@app.command()
def run() -> None:
    """Build and publish a version whenever one is due, until the process is stopped."""
    logs.configure("indexer")
    settings = load(IndexerSettings)
    try:
        interrupted = asyncio.run(_run(settings))
    except UnusableDirectory as error:
        exit_with_problems(IndexerSettings.__name__, [("index_work_dir", str(error))])
    except CONNECTION_FAILURES as error:
        log.error("the database is not available: %s", error)  # noqa: TRY400 - an expected failure
        raise typer.Exit(1) from error
    if interrupted:
        raise typer.Exit(_INTERRUPTED)


@app.command()
def build(
    publish: Annotated[bool, typer.Option(help="Publish it now, or later with `publish`.")] = True,
) -> None:
    """Build and publish a version of all embeddings, now or as soon as a running build has finished."""
    version = _run_with_indexer(
        lambda indexer: retry_while_busy(lambda: indexer.build(publish=publish)),
        "no version was published",
    )
    echo(f"{version.version}  {version.tracks} tracks  recall@10 {version.recall_at_10:.3f}")


@app.command()
def taste() -> None:
    """Build and publish taste (what is favourited together) from all favourites."""
    row = _run_command(
        lambda pool, store, settings: retry_while_busy(TasteIndexer(pool, store, settings).build),
        "no taste version was published",
    )
    echo(f"{row.version}  {row.tracks} tracks  {row.favorites} favourites  {row.method}")


@app.command(name="list")
def list_versions() -> None:
    """Show the versions of the current model, newest first."""
    echo(*render(_run_with_indexer(lambda indexer: indexer.list_versions(), "nothing to show")))


@app.command()
def publish(
    version: Annotated[str | None, typer.Argument(help="Name of the version; default: the newest.")] = None,
) -> None:
    """Publish a version that is in the bucket. Any but the newest is pinned: it pauses automatic builds."""
    echo(_publication_message(_run_with_indexer(lambda indexer: indexer.publish(version), "nothing was published")))


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="Name of the version; default: the previous one.")] = None,
) -> None:
    """Go back to an older version and pause automatic builds until `publish` or `build` is run."""
    echo(_publication_message(_run_with_indexer(lambda indexer: indexer.rollback(version), "nothing was changed")))


@app.command()
def fit_projection(
    vectors: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Output file of `soundalike extract`.")],
    out: Annotated[Path, typer.Option(help="Output file of the projection (.npz).")],
) -> None:
    """Fit the built-in projection of a model on the vectors of varied music."""
    with np.load(vectors, allow_pickle=False) as archive:
        raw, model = archive["vectors"], str(archive["model"])
    EmbeddingProjection().fit(raw).projection_.save(out)
    echo(f"{len(raw)} vectors of {model}; written to {out}")


def main() -> None:
    """Run the command that the arguments name."""
    with escaped_tracebacks():
        app()


def _run_with_indexer(action: Callable[[Indexer], Awaitable[T]], failure: str) -> T:
    """Run an action of an indexer; exit with status 1 and a message where it fails."""
    return _run_command(lambda pool, store, settings: action(Indexer(pool, store, settings)), failure)


def _run_command(command: Callable[[Pool, ObjectStore, IndexerSettings], Awaitable[T]], failure: str) -> T:
    logs.configure("indexer")
    settings = load(IndexerSettings)

    async def run_with_pool() -> T:
        async with database.connect(settings.database_url.get_secret_value()) as pool:
            return await command(pool, S3Store.connect(settings), settings)

    try:
        return asyncio.run(run_with_pool())
    except EXPECTED_FAILURES as error:
        log.error("%s: %s", failure, error)  # noqa: TRY400 - an expected failure
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(_INTERRUPTED) from interrupt


def _publication_message(version: IndexVersionRecord) -> str:
    if version.pinned:
        return (
            f"{version.version} is published and pinned: automatic builds are paused. Run `index publish` (the newest "
            "version) or `index build` to continue them."
        )
    return f"{version.version} is published. Automatic builds continue."


async def _run(settings: IndexerSettings) -> bool:
    stop, interrupted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    async with database.connect(settings.database_url.get_secret_value()) as pool:
        log.info("checking for new tracks every %g s", settings.index_poll_s)
        store = S3Store.connect(settings)
        async with keep_health_file_fresh(settings.heartbeat_file):
            await asyncio.gather(
                Indexer(pool, store, settings).run(stop), TasteIndexer(pool, store, settings).run(stop)
            )
    log.info("stopped")
    return interrupted.is_set()
