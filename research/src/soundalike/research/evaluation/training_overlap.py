"""Which music the shipped weights and projections were learnt from: judged on it, their numbers say little."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE: Final = "learnt-from.txt"
_DIGITS: Final = 16
"""Of a checksum: enough to tell files apart."""


def count(checksums: Iterable[str]) -> int:
    """Tell how many of these files (SHA-256 as hexadecimal digits) are among them."""
    return sum(checksum[:_DIGITS] in _known() for checksum in checksums)


@cache
def _known() -> frozenset[str]:
    return frozenset(
        resources.files("soundalike.research.evaluation").joinpath(FILE).read_text(encoding="ascii").split()
    )
