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
from soundalike.indexer.errors import EXPECTED_FAILURES
from soundalike.indexer.health_file import keep_health_file_fresh
from soundalike.indexer.poller import retry_while_busy
from soundalike.indexer.settings import IndexerSettings
from soundalike.indexer.taste_indexer import TasteIndexer
from soundalike.indexer.version_table import render
from soundalike.indexer.worker import Indexer
from soundalike.settings import load
from soundalike.storage.object_store import S3Store
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.db.database import Pool
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.storage.object_store import ObjectStore

T = TypeVar("T")

log = logging.getLogger(__name__)

_INTERRUPTED = 130

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Builds and publishes the Annoy index.")


@app.command()
def run() -> None:
    """Build and publish a version whenever one is due, until told to stop."""
    logs.configure("indexer")
    settings = load(IndexerSettings)
    try:
        interrupted = asyncio.run(_run(settings))
    except CONNECTION_FAILURES as error:
        log.error("the database does not answer: %s", error)  # noqa: TRY400 - the reason is said
        raise typer.Exit(1) from error
    if interrupted:
        raise typer.Exit(_INTERRUPTED)


@app.command()
def build(
    publish: Annotated[bool, typer.Option(help="Let it answer; else `publish` does that later.")] = True,
) -> None:
    """Build and publish a version of everything heard so far, now, or as soon as another build has ended."""
    version = _run_with_indexer(
        lambda indexer: retry_while_busy(lambda: indexer.build(publish=publish)),
        "no version was published",
    )
    typer.echo(f"{version.version}  {version.tracks} tracks  recall@10 {version.recall_at_10:.3f}")


@app.command()
def taste() -> None:
    """Build and publish what is favourited together, of everything walked so far, now."""
    row = _run_command(
        lambda pool, store, settings: retry_while_busy(TasteIndexer(pool, store, settings).build),
        "no taste was published",
    )
    typer.echo(f"{row.version}  {row.tracks} tracks  {row.favorites} favourites  {row.method}")


@app.command(name="list")
def list_versions() -> None:
    """Show the versions of the current model, newest first."""
    typer.echo(render(_run_with_indexer(lambda indexer: indexer.list_versions(), "nothing to show")))


@app.command()
def publish(
    version: Annotated[str | None, typer.Argument(help="Name of the version; the newest without one.")] = None,
) -> None:
    """Let a version answer that is in the bucket. The newest lets automatic builds go on, any other holds them."""
    typer.echo(
        _publication_message(_run_with_indexer(lambda indexer: indexer.publish(version), "nothing was published"))
    )


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="Name of the version; the one before without it.")] = None,
) -> None:
    """Go back to an older version; automatic builds wait until `publish` or `build` is called."""
    typer.echo(
        _publication_message(_run_with_indexer(lambda indexer: indexer.rollback(version), "nothing was changed"))
    )


@app.command()
def fit_projection(
    vectors: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `soundalike extract` wrote.")],
    out: Annotated[Path, typer.Option(help="Where to write the projection (.npz).")],
) -> None:
    """Fit the projection of the space on the vectors of varied music, for shipping it with a model."""
    with np.load(vectors, allow_pickle=False) as archive:
        raw, model = archive["vectors"], str(archive["model"])
    EmbeddingProjection().fit(raw).projection_.save(out)
    typer.echo(f"{len(raw)} vectors of {model}; written to {out}")


def main() -> None:
    """Run the command that the arguments name."""
    app()


def _run_with_indexer(question: Callable[[Indexer], Awaitable[T]], failure: str) -> T:
    """Ask an indexer something, and end with status 1 and a sentence where it cannot be done."""
    return _run_command(lambda pool, store, settings: question(Indexer(pool, store, settings)), failure)


def _run_command(work: Callable[[Pool, ObjectStore, IndexerSettings], Awaitable[T]], failure: str) -> T:
    logs.configure("indexer")
    settings = load(IndexerSettings)

    async def ask() -> T:
        async with database.connect(settings.database_url.get_secret_value()) as pool:
            return await work(pool, S3Store.connect(settings), settings)

    try:
        return asyncio.run(ask())
    except EXPECTED_FAILURES as error:
        log.error("%s: %s", failure, error)  # noqa: TRY400 - the reason is said
        raise typer.Exit(1) from error
    except KeyboardInterrupt as interrupt:
        raise typer.Exit(_INTERRUPTED) from interrupt


def _publication_message(version: IndexVersionRecord) -> str:
    if version.pinned:
        return (
            f"{version.version} answers now. Automatic builds are held; `index publish` (the newest version) or "
            "`index build` lets them go on."
        )
    return f"{version.version} answers now. Automatic builds go on."


async def _run(settings: IndexerSettings) -> bool:
    stop, interrupted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    async with database.connect(settings.database_url.get_secret_value()) as pool:
        log.info("looking for new tracks every %g s", settings.index_poll_s)
        store = S3Store.connect(settings)
        async with keep_health_file_fresh(settings.heartbeat_file):
            await asyncio.gather(
                Indexer(pool, store, settings).run(stop), TasteIndexer(pool, store, settings).run(stop)
            )
    log.info("stopped")
    return interrupted.is_set()
