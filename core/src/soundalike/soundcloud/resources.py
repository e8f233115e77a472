"""The resources of SoundCloud's API, by the names of its documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from soundalike.http.errors import Missing
from soundalike.soundcloud.errors import InvalidAddress, PagesRepeat, UnreadableReply
from soundalike.soundcloud.pages import page_of, page_query, rows_of
from soundalike.soundcloud.replies import Track, User, read
from soundalike.soundcloud.urns import urn_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from soundalike.soundcloud.connection import Connection
    from soundalike.soundcloud.pages import Page
    from soundalike.soundcloud.replies import Model

MAX_ROWS: Final = 200
"""The most rows of a page and of a bulk request."""

# Without it tracks that cannot be played are left out of likes, and the graph has holes.
_EVERY_ACCESS: Final = "playable,preview,blocked"
_SITES: Final = frozenset({"soundcloud.com", "www.soundcloud.com", "m.soundcloud.com", "on.soundcloud.com"})


@dataclass(frozen=True, slots=True)
class Resolve:
    """From a web address to the user or track that it names."""

    connection: Connection

    async def resolve(self, url: str) -> User | Track:
        """Return the user or track behind an address of soundcloud.com.

        Raises `InvalidAddress` for other addresses and for what is neither user nor track, else what
        `Connection.get` raises.
        """
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or (parts.hostname or "").lower() not in _SITES:
            raise InvalidAddress(f"{url!r} is not an address of soundcloud.com, such as https://soundcloud.com/<name>")
        response = await self.connection.request("/resolve", {"url": url.strip()})
        location = response.location
        if location is None and isinstance(response.content, dict):
            location = response.content.get("location")
        if not isinstance(location, str):
            raise UnreadableReply("SoundCloud did not resolve the address")
        kind, _, name = urlsplit(location).path.rpartition("/")
        if kind.endswith("/users"):
            return await Users(self.connection).user(name)
        if kind.endswith("/tracks"):
            return await Tracks(self.connection).track(name)
        raise InvalidAddress(f"{url!r} is neither a user nor a track; use the address of one")


@dataclass(frozen=True, slots=True)
class Users:
    """Accounts, and the tracks that they favourite; users are named by URN or number."""

    connection: Connection

    async def user(self, user: str | int) -> User:
        """Return one user; raises `Missing` for one who is gone."""
        return read(User, await self.connection.get(f"/users/{urn_of('users', user)}"))

    async def users(self, users: Iterable[str | int]) -> tuple[User, ...]:
        """Return many users; those who are gone are not among them."""
        return await _in_bulk(self.connection, User, "/users", [urn_of("users", user) for user in users], {})

    def favorites(self, user: str | int, *, cursor: str | None = None) -> AsyncGenerator[Page[Track]]:
        """Yield the pages of the tracks that a user likes, from `cursor` on; the order is SoundCloud's, newest first.

        Raises what `Connection.get` raises, and `PagesRepeat` after the last page before they repeat.
        """
        path = f"/users/{urn_of('users', user)}/likes/tracks"
        return _pages(self.connection, Track, path, {"access": _EVERY_ACCESS}, cursor)


@dataclass(frozen=True, slots=True)
class Tracks:
    """Tracks, and the users who favourite them; tracks are named by URN or number."""

    connection: Connection

    async def track(self, track: str | int) -> Track:
        """Return one track; raises `Missing` for one that is gone or private."""
        return read(Track, await self.connection.get(f"/tracks/{urn_of('tracks', track)}"))

    async def tracks(self, tracks: Iterable[str | int]) -> tuple[Track, ...]:
        """Return many tracks; those that are gone or private are not among them."""
        urns = [urn_of("tracks", track) for track in tracks]
        return await _in_bulk(self.connection, Track, "/tracks", urns, {"access": _EVERY_ACCESS})

    def favoriters(self, track: str | int, *, cursor: str | None = None) -> AsyncGenerator[Page[User]]:
        """Yield the pages of the users who like a track, from `cursor` on.

        Raises what `Connection.get` raises, and `PagesRepeat` after the last page before they repeat.
        """
        return _pages(self.connection, User, f"/tracks/{urn_of('tracks', track)}/favoriters", {}, cursor)

    async def preview(self, track: str | int) -> str:
        """Return the URL of a track's MP3 preview, which needs no token and expires soon.

        Raises `Missing` where there is none.
        """
        urn = urn_of("tracks", track)
        streams = await self.connection.get(f"/tracks/{urn}/streams")
        address = streams.get("preview_mp3_128_url") if isinstance(streams, dict) else None
        if not isinstance(address, str) or not address:
            raise Missing(f"SoundCloud has no preview of {urn}")
        path = address.removeprefix(self.connection.url)
        if path == address:
            return address
        # The API's own host needs the token and redirects to a URL that does not.
        response = await self.connection.request(path)
        if response.location is None:
            raise Missing(f"SoundCloud has no preview of {urn}")
        return response.location


async def _pages(
    connection: Connection, model: type[Model], path: str, query: Mapping[str, str], cursor: str | None
) -> AsyncGenerator[Page[Model]]:
    first = {**query, "linked_partitioning": "true", "limit": str(MAX_ROWS)}
    cursors = {cursor}
    while True:
        page = page_of(model, await connection.get(path, page_query(first, cursor)))
        yield page
        if page.cursor is None:
            return
        if page.cursor in cursors:
            raise PagesRepeat(f"SoundCloud's pages of {path} repeat")
        cursor = page.cursor
        cursors.add(cursor)


async def _in_bulk(
    connection: Connection, model: type[Model], path: str, urns: list[str], query: Mapping[str, str]
) -> tuple[Model, ...]:
    rows: list[Model] = []
    for start in range(0, len(urns), MAX_ROWS):
        names = ",".join(urns[start : start + MAX_ROWS])
        reply = await connection.get(path, {**query, "urns": names, "limit": str(MAX_ROWS)})
        rows += rows_of(model, reply)
    return tuple(rows)
