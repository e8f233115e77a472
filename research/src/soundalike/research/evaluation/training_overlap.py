"""The music that the built-in weights and projections were trained on: scores on it say little."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE: Final = "learnt-from.txt"
_DIGITS: Final = 16
"""Digits of a checksum, enough to identify a file."""


def count(checksums: Iterable[str]) -> int:
    """Return how many of these files (SHA-256 as hexadecimal digits) were trained on."""
    return sum(checksum[:_DIGITS] in _known() for checksum in checksums)


@cache
def _known() -> frozenset[str]:
    return frozenset(
        resources.files("soundalike.research.evaluation").joinpath(FILE).read_text(encoding="ascii").split()
    )
