"""Where a long list was left: how many rows were taken, and SoundCloud's own cursor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list; without a cursor it is the beginning."""

    taken: int = 0
    cursor: str | None = None

    @classmethod
    def read(cls, text: str | None) -> Place:
        """Read what `write` wrote; anything else is the beginning."""
        taken, bar, cursor = (text or "").partition("|")
        return cls(int(taken), cursor) if bar and cursor and taken.isdecimal() else cls()

    def write(self) -> str:
        """Write the place as one text."""
        return f"{self.taken}|{self.cursor or ''}"
