"""Where the reading of a long list stopped: how many rows were read, and SoundCloud's own cursor."""

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
        row_count, bar, cursor = (text or "").partition("|")
        return cls(int(row_count), cursor) if bar and cursor and row_count.isdecimal() else cls()

    def format(self) -> str:
        """Write the place as one text."""
        return f"{self.row_count}|{self.cursor or ''}"
