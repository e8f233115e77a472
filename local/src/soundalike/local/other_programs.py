"""Commands of `soundalike` that are other programs: these get the arguments as they are, and the running platform."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from soundalike.local.command_line import Data, fail
from soundalike.local.errors import LocalPlatformError, NotInstalled
from soundalike.local.program import python_command
from soundalike.local.running_platform import find_default

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The arguments, --help included, are those of another program.
PASSTHROUGH: Final = {"allow_extra_args": True, "ignore_unknown_options": True}

index = typer.Typer(no_args_is_help=True, help="The search index.")


def forget(context: typer.Context, data: Data = None) -> None:
    """Delete a track, recording, artist, user or playlist for good (see: soundalike forget --help)."""
    environment = os.environ if "--help" in context.args else platform_environment(data)
    execute(python_command("soundalike.crawler", "forget", *context.args), environment)


def library(context: typer.Context, data: Data = None) -> None:
    """List, add, scan and remove the folders of your own music (see: soundalike library --help)."""
    needs_platform = context.args and "--help" not in context.args
    environment = platform_environment(data) if needs_platform else os.environ
    execute(python_command("soundalike.crawler", "library", *context.args), environment)


def extract(context: typer.Context) -> None:
    """Extract embeddings from audio files, without a platform (see: soundalike extract --help)."""
    execute(python_command("soundalike.extractor", "extract", *context.args), os.environ)


def redrive(context: typer.Context, data: Data = None) -> None:
    """Retry previews that failed repeatedly: move the dead letters back to the queue."""
    environment = os.environ if "--help" in context.args else platform_environment(data)
    execute(python_command("soundalike.extractor", "redrive", *context.args), environment)


def keys(context: typer.Context, data: Data = None) -> None:
    """Create, list and revoke API keys (see: soundalike keys --help)."""
    environment = os.environ if not context.args or "--help" in context.args else platform_environment(data)
    execute(python_command("soundalike.api", "keys", *context.args), environment)


def evaluate(context: typer.Context) -> None:
    """Measure the quality of recommendations on a folder of music (see: soundalike evaluate --help)."""
    if find_spec("soundalike.research") is None:
        fail(NotInstalled("The evaluation is not installed: run `make install` in the checkout."))
    execute(python_command("soundalike.research.evaluation", *context.args), os.environ)


@index.command(name="list", context_settings=PASSTHROUGH, add_help_option=False)
def list_versions(context: typer.Context, data: Data = None) -> None:
    """List the versions of the index, newest first."""
    _index("list", context, data)


@index.command(context_settings=PASSTHROUGH, add_help_option=False)
def build(context: typer.Context, data: Data = None) -> None:
    """Build and publish a new version of the index (--no-publish: only build it)."""
    _index("build", context, data)


@index.command(context_settings=PASSTHROUGH, add_help_option=False)
def taste(context: typer.Context, data: Data = None) -> None:
    """Build and publish a new version of taste: which tracks the same people favourite."""
    _index("taste", context, data)


@index.command(context_settings=PASSTHROUGH, add_help_option=False)
def publish(context: typer.Context, data: Data = None) -> None:
    """Serve a version of the index: the given one, or the newest."""
    _index("publish", context, data)


@index.command(context_settings=PASSTHROUGH, add_help_option=False)
def rollback(context: typer.Context, data: Data = None) -> None:
    """Serve an older version of the index again, and pause automatic builds."""
    _index("rollback", context, data)


def platform_environment(data: Path | None) -> dict[str, str]:
    """Return the environment of a program that works on the running platform."""
    try:
        return find_default(data).child_environment(os.environ)
    except LocalPlatformError as error:
        fail(error)


def execute(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Become another program."""
    sys.stdout.flush()
    os.execve(command[0], command, dict(environment))  # noqa: S606 - no shell is needed


def _index(command: str, context: typer.Context, data: Path | None) -> NoReturn:
    environment = os.environ if "--help" in context.args else platform_environment(data)
    execute(python_command("soundalike.indexer", command, *context.args), environment)


PROGRAMS: Final = (forget, library, extract, redrive, keys, evaluate)
"""The commands that are programs, in the order of the help."""
