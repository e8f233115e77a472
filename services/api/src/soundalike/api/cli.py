"""Command line of the API: serves by default; manages keys; prints the OpenAPI specification."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from pydantic import SecretStr

from soundalike import logs, open_files
from soundalike.api import worker_supervisor
from soundalike.api.server import STARTUP_FAILED, Server
from soundalike.api.settings import Access, ApiSettings, MetricsAccess
from soundalike.db import api_keys, database
from soundalike.db.api_keys import Scope
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import TooManyKeys, UnusableDirectory
from soundalike.settings import DatabaseSettings, exit_with_problems, load
from soundalike.storage.private_directories import private_directory
from soundalike.terminal import echo, echo_document, escaped_tracebacks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import FrameType

    from soundalike.db.api_keys import ApiKey
    from soundalike.db.database import Pool

T = TypeVar("T")

_MAX_HOLDER_LENGTH = 100

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
keys = typer.Typer(no_args_is_help=True, help="Keys for calling the API; changes take effect within two seconds.")
cli.add_typer(keys, name="keys")


@cli.callback(invoke_without_command=True)
def serve(context: typer.Context) -> None:
    """Serve the API on API_HOST and API_PORT until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    settings = load(ApiSettings)
    if settings.api_cache_dir:
        _make_writable(settings.api_cache_dir)
    logs.configure("api")
    open_files.raise_limit()
    # uvicorn raises the signal again once everything has ended, so that this handler decides the exit status.
    signal.signal(signal.SIGTERM, _exit_on_sigterm)
    signal.signal(signal.SIGINT, _exit_on_sigint)
    if settings.api_workers > 1:
        raise SystemExit(worker_supervisor.serve(settings))
    # Not above: the process that only looks after workers needs none of it.
    from soundalike.api.app import create_app

    server = Server(create_app(settings), settings)
    server.run()
    if not server.started:
        raise SystemExit(STARTUP_FAILED)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI specification of an API without keys, as JSON; needs no running platform."""
    from soundalike.api.app import create_app
    from soundalike.api.openapi import specification_text

    settings = ApiSettings(
        database_url=SecretStr("postgresql://nobody:at-all@localhost/nothing"),
        s3_bucket="nothing",
        api_reads=Access.OPEN,
        api_writes=Access.OPEN,
        api_metrics=MetricsAccess.OFF,
        otel_exporter_otlp_endpoint=None,
    )
    echo_document(specification_text(create_app(settings)))


@keys.command()
def add(
    holder: Annotated[str, typer.Argument(help="Who the key is for, in your own words.")],
    write: Annotated[
        bool, typer.Option("--write/--read-only", help="Whether the key may write (PUT, POST) as well.")
    ] = False,
    days: Annotated[int | None, typer.Option(help="The key expires after so many days.", min=1, max=3_650)] = None,
) -> None:
    """Add a key, which may only read unless --write is given, and print it.

    It cannot be shown again, for only its hash is stored.

    A holder has at most two valid keys. To replace one, add another, use it, and revoke the older one.
    """
    if not holder.strip() or len(holder) > _MAX_HOLDER_LENGTH or not holder.isprintable():
        raise typer.BadParameter(f"expected 1 to {_MAX_HOLDER_LENGTH} printable characters", param_hint="holder")

    scope = Scope.WRITE if write else Scope.READ

    async def make(pool: Pool) -> str:
        async with pool.acquire() as connection:
            return await api_keys.add(connection, holder.strip(), scope, days=days)

    try:
        key = _query_database(make)
    except TooManyKeys as error:
        _fail(f"{error} (see: keys list)")
    echo(key)
    echo(
        "This key may read and write." if write else "This key may only read; with --write another may write as well.",
        "Send it as `Authorization: Bearer <key>`. It is not stored and cannot be shown again.",
        err=True,
    )


@keys.command("list")
def list_all() -> None:
    """List every key that was ever added, without the keys themselves."""
    rows = _query_database(api_keys.list_keys)
    if not rows:
        echo("There are no keys yet.", err=True)
    for key in rows:
        echo(f"{key.id}  {key.scope:<5}  {key.created_at:%Y-%m-%d}  {_validity(key):<18}  {key.holder}")


@keys.command()
def revoke(name: Annotated[str, typer.Argument(metavar="ID", help="The first column of: keys list")]) -> None:
    """Revoke a key."""
    if not _query_database(lambda pool: api_keys.revoke(pool, name)):
        _fail("no valid key has this id (see: keys list)")
    echo("revoked", err=True)


def main() -> None:
    """Run the command line."""
    with escaped_tracebacks():
        cli()


def _validity(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if not key.valid:
        return "expired"
    return "valid" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d}"


def _query_database(query: Callable[[Pool], Awaitable[T]]) -> T:
    url = load(DatabaseSettings).database_url.get_secret_value()

    async def ask() -> T:
        async with database.connect(url, size=1) as pool:
            return await query(pool)

    try:
        return asyncio.run(ask())
    except CONNECTION_FAILURES:
        _fail("the database does not answer")


def _fail(text: str) -> NoReturn:
    echo(text, err=True)
    raise typer.Exit(1)


def _exit_on_sigterm(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _exit_on_sigint(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(130)


def _make_writable(directory: Path) -> None:
    try:
        private_directory(directory)
    except UnusableDirectory as error:
        exit_with_problems("ApiSettings", [("api_cache_dir", str(error))])
    if not os.access(directory, os.W_OK | os.X_OK):
        exit_with_problems("ApiSettings", [("api_cache_dir", f"{directory} is not writable")])
