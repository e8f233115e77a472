"""What the commands of `soundalike` share: the option for the data folder, and how they fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from soundalike.local.data_directory import DATA_VARIABLE
from soundalike.local.errors import InvalidSettings
from soundalike.local.launch import EX_CONFIG
from soundalike.terminal import echo

if TYPE_CHECKING:
    from soundalike.errors import SoundalikeError

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The platform's data folder.", envvar=DATA_VARIABLE, show_envvar=True, file_okay=False),
]


def fail(error: SoundalikeError) -> NoReturn:
    """Say what is wrong, and end with the exit status of it."""
    # The end of a log comes in several lines.
    echo(*str(error).split("\n"), err=True)
    raise typer.Exit(EX_CONFIG if isinstance(error, InvalidSettings) else 1) from error
