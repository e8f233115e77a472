"""What can be asked of SoundCloud, by the names of its documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from soundalike.soundcloud.errors import InvalidAddress, Missing, PagesRepeat, UnreadableReply
from soundalike.soundcloud.pages import page_of, query_of, rows_of
from soundalike.soundcloud.replies import Track, User, read
from soundalike.soundcloud.urns import urn_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from soundalike.soundcloud.connection import Connection
    from soundalike.soundcloud.pages import Page
    from soundalike.soundcloud.replies import Model

MOST_AT_ONCE: Final = 200
"""Rows a page, and names a bulk request: the most that SoundCloud gives."""

# Without it what can only be looked at is left out of likes, and the graph has holes.
_EVERY_ACCESS: Final = "playable,preview,blocked"
_SITES: Final = frozenset({"soundcloud.com", "www.soundcloud.com", "m.soundcloud.com", "on.soundcloud.com"})


@dataclass(frozen=True, slots=True)
class Resolve:
    """From an address that people know to what it stands for."""

    connection: Connection

    async def resolve(self, url: str) -> User | Track:
        """Return the user or track behind an address of soundcloud.com.

        Raises `InvalidAddress` for other addresses and for what is neither user nor track, else what
        `Connection.get` raises.
        """
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or (parts.hostname or "").lower() not in _SITES:
            raise InvalidAddress(f"{url!r} is no address of soundcloud.com, such as https://soundcloud.com/<name>")
        answer = await self.connection.ask("/resolve", {"url": url.strip()})
        location = answer.location
        if location is None and isinstance(answer.content, dict):
            location = answer.content.get("location")
        if not isinstance(location, str):
            raise UnreadableReply("SoundCloud does not say where the address leads")
        kind, _, name = urlsplit(location).path.rpartition("/")
        if kind.endswith("/users"):
            return await Users(self.connection).user(name)
        if kind.endswith("/tracks"):
            return await Tracks(self.connection).track(name)
        raise InvalidAddress(f"{url!r} stands for neither a user nor a track; give the address of one")


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

        Raises what `Connection.get` raises, and `PagesRepeat` after the last page before the circle closes.
        """
        path = f"/users/{urn_of('users', user)}/likes/tracks"
        return _paged(self.connection, Track, path, {"access": _EVERY_ACCESS}, cursor)


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

        Raises what `Connection.get` raises, and `PagesRepeat` after the last page before the circle closes.
        """
        return _paged(self.connection, User, f"/tracks/{urn_of('tracks', track)}/favoriters", {}, cursor)

    async def preview(self, track: str | int) -> str:
        """Return where the MP3 of a track's preview lies, an address that needs no token and does not live long.

        Raises `Missing` where there is none.
        """
        urn = urn_of("tracks", track)
        streams = await self.connection.get(f"/tracks/{urn}/streams")
        address = streams.get("preview_mp3_128_url") if isinstance(streams, dict) else None
        if not isinstance(address, str) or not address:
            raise Missing(f"SoundCloud offers no preview of {urn}")
        path = address.removeprefix(self.connection.url)
        if path == address:
            return address
        # On the API's own host the token is asked for, and what comes back leads to where it is not.
        answer = await self.connection.ask(path)
        if answer.location is None:
            raise Missing(f"SoundCloud offers no preview of {urn}")
        return answer.location


async def _paged(
    connection: Connection, model: type[Model], path: str, query: Mapping[str, str], cursor: str | None
) -> AsyncGenerator[Page[Model]]:
    first = {**query, "linked_partitioning": "true", "limit": str(MOST_AT_ONCE)}
    asked = {cursor}
    while True:
        page = page_of(model, await connection.get(path, query_of(first, cursor)))
        yield page
        if page.cursor is None:
            return
        if page.cursor in asked:
            raise PagesRepeat(f"SoundCloud's pages of {path} go round in a circle")
        cursor = page.cursor
        asked.add(cursor)


async def _in_bulk(
    connection: Connection, model: type[Model], path: str, urns: list[str], query: Mapping[str, str]
) -> tuple[Model, ...]:
    found: list[Model] = []
    for start in range(0, len(urns), MOST_AT_ONCE):
        named = ",".join(urns[start : start + MOST_AT_ONCE])
        reply = await connection.get(path, {**query, "urns": named, "limit": str(MOST_AT_ONCE)})
        found += rows_of(model, reply)
    return tuple(found)
