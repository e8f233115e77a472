"""What a crawl asks of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.crawler.entries import Entry
    from soundalike.db.playlists import Playlist


class Source(Protocol):
    """A list of tracks somewhere."""

    @property
    def name(self) -> str:
        """What the list is called, for the person who waits."""

    @property
    def total(self) -> int | None:
        """How many places the list has, as soon as that is known."""

    async def playlist(self) -> Playlist | None:
        """Return the list as a playlist to be stored, or None for one that is not; raises `ServiceError`."""

    def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield what stands at each place, in order; raises `ServiceError`.

        Places before `start` are known already: a source that can begin in the middle leaves them out.
        """
