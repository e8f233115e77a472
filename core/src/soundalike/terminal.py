"""Printing for people: no text from outside can move the cursor, change a title or pass for a line of ours."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from soundalike.domain.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterator


class Console(Protocol):
    """A console of rich, which the core does not need."""

    def print(self, text: str, *, markup: bool, highlight: bool, emoji: bool, soft_wrap: bool) -> None:
        """Print a text."""


def echo(*lines: str, err: bool = False) -> None:
    """Print each text as one line to stdout or stderr, with everything escaped that a terminal would obey."""
    for line in lines:
        print(escape(line), file=sys.stderr if err else sys.stdout)
    (sys.stderr if err else sys.stdout).flush()


def echo_document(text: str) -> None:
    """Print a whole file to stdout as it is, but for what a terminal would obey; its line breaks stay."""
    sys.stdout.write("\r\n".join(escape(part, keep="\t\n") for part in text.split("\r\n")))
    sys.stdout.flush()


def print_line(console: Console, text: str) -> None:
    """Print a text as one line above the bars of a console of rich; nothing in it is markup."""
    console.print(escape(text), markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def escaped_tracebacks() -> Iterator[None]:
    """Print what a command does not handle as Python would, but escaped, and exit with 1."""
    try:
        yield
    except Exception:  # noqa: BLE001 - the outermost place; nothing is hidden
        echo(*traceback.format_exc().splitlines(), err=True)
        raise SystemExit(1) from None
