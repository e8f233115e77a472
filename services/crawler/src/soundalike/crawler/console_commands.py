"""What commands that work on the catalogue share: a connection, sentences about failures, and questions."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, NoReturn, TypeVar

import asyncpg
import typer

from soundalike.db import database
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.settings import DatabaseSettings, load
from soundalike.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.db.database import Pool

T = TypeVar("T")

FAILED = 1
DATABASE_FAILURES: tuple[type[Exception], ...] = (*CONNECTION_FAILURES, asyncpg.PostgresError, ValueError)
"""What a command ends with in a sentence: away, without the schema, or no address."""


def with_catalogue(work: Callable[[Pool], Awaitable[T]], *, let_through: tuple[type[Exception], ...] = ()) -> T:
    """Do something with the database and return its result; exits with a sentence where it is away."""
    settings = load(DatabaseSettings)

    async def do() -> T:
        async with database.connect(settings.database_url.get_secret_value(), size=1) as pool:
            return await work(pool)

    try:
        return asyncio.run(do())
    except let_through:
        raise
    except DATABASE_FAILURES as error:
        fail(database_failure(error))


def database_failure(error: Exception) -> str:
    """Say that the database cannot be used."""
    return f"the database (DATABASE_URL) cannot be used: {str(error) or type(error).__name__}"


def fail(text: str) -> NoReturn:
    """Print why a command failed, and exit."""
    echo(text, err=True)
    raise typer.Exit(FAILED)


def confirm(question: str, refusal: str) -> None:
    """Ask, and exit with the refusal where the answer is no or nobody is there to give it."""
    if not sys.stdin.isatty():
        fail(f"{refusal}: without a terminal to confirm, --yes is needed")
    if not typer.confirm(question):
        fail(refusal)


def ask(question: str) -> bool:
    """Ask in the middle of asynchronous work; raises `KeyboardInterrupt` where a signal ends the wait for the answer.

    An event loop handles no signal while it waits for a person.
    """
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return typer.confirm(question)
    except (typer.Abort, KeyboardInterrupt):
        # What follows begins on a line of its own.
        echo("", err=True)
        raise KeyboardInterrupt from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def plural(count: int, what: str) -> str:
    """Write a number of things."""
    return f"{count} {what if count == 1 else what + 's'}"
