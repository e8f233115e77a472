"""Where a long list was left: how many rows were taken, and SoundCloud's own cursor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListPosition:
    """A place in a list; without a cursor it is the beginning."""

    row_count: int = 0
    cursor: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> ListPosition:
        """Read what `format` wrote; anything else is the beginning."""
        taken, bar, cursor = (text or "").partition("|")
        return cls(int(taken), cursor) if bar and cursor and taken.isdecimal() else cls()

    def format(self) -> str:
        """Write the place as one text."""
        return f"{self.row_count}|{self.cursor or ''}"
