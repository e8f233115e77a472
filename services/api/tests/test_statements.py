"""How many statements a request costs: one at most, so that latency is one way to the database and back."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Final

import pytest
import soundfile
from fastapi.routing import APIRoute
from pgvector.asyncpg import register_vector

from soundalike.api.app import create_app
from soundalike.api.problems import REQUEST_ID
from soundalike.api.routes import ROUTERS, metrics
from soundalike.db import crawls, favorites, libraries, locations, playlists, tracks, users
from soundalike.db.crawls import CrawlSource
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import Track
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId
from soundalike.logs import current_fields
from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters
from soundalike.testing.wait import eventually

from .conftest import Platform, is_ready, publish_taste, recommend, serving, track_id, urn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    import httpx
    from asyncpg.connection import LoggedQuery

    from soundalike.api.settings import ApiSettings

PLAYLIST: Final = "spotify:playlist:37i9dQZF1DXcBWIGoYBM5M"

SONG: Final = TrackId("file", "a" * 64)

ADDRESSES: Final = {
    "/": ["/"],
    "/docs": ["/docs"],
    "/page/{path:path}": ["/page/app.js"],
    "/docs/{name}": ["/docs/swagger-start.js"],
    "/redoc": ["/redoc"],
    "/healthz": ["/healthz"],
    "/readyz": ["/readyz"],
    "/metrics": ["/metrics"],
    "/recommend": [
        f"/recommend?track={urn(0)}",
        f"/recommend?track={urn(0)}&track={urn(1)}&n=100&diversity=0.5",
        f"/recommend?track={urn(0)}&tag=jazz&exclude={urn(2)}&format=m3u",
        f"/recommend?track={urn(0)}&not_like={urn(1)}",
        f"/recommend?track={urn(4)}&by=taste",
        f"/recommend?track={urn(4)}&by=both",
        "/recommend?user=4",
    ],
    "/playlists/{playlist:path}/recommend": [f"/playlists/{PLAYLIST}/recommend"],
    "/search": ["/search?q=title", "/search?q=titel"],
    "/random": ["/random", "/random?n=3"],
    "/tracks": ["/tracks", "/tracks?state=ready&n=2", f"/tracks?playlist={PLAYLIST}"],
    "/tracks/{urn:path}": [f"/tracks/{urn(0)}", "/tracks/https://soundcloud.com/a/b"],
    "/users/{user:path}/similar": ["/users/1/similar"],
    "/status-link": ["/status-link"],
    "/dead-letters": ["/dead-letters"],
    "/crawls/{id}": ["/crawls/1"],
    "/audio/{urn:path}": [f"/audio/{SONG.urn}"],
    "/audio-links/{urn:path}": [f"/audio-links/{SONG.urn}"],
}
"""An address or several for each route; every one has to answer 200."""


SHARED: Final = frozenset({"/status", "/status/events"})
"""What is read once a second at most for all who ask for it (`test_status.test_many_viewers_are_one_reader`)."""

TWICE: Final = (
    # Which tracks to search for is not known before the playlist is read.
    f"/playlists/{PLAYLIST}/recommend",
    # Nor before the favourites are.
    "/recommend?user=4",
    # Where the files of an answer lie is asked only for those who may see it.
    f"/recommend?track={urn(0)}&tag=jazz&exclude={urn(2)}&format=m3u",
    f"/tracks/{urn(0)}",
    # Of a track that is no file, or is not known, nobody asks where it lies.
    f"/audio/{SONG.urn}",
    f"/audio-links/{SONG.urn}",
    # How many there are, and some of them.
    "/dead-letters",
)
"""The addresses that ask a second time."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The statements of each request, by its id; what happens in the background belongs to none."""
    counted: dict[str, list[str]] = defaultdict(list)

    def note(query: LoggedQuery) -> None:
        # What the pool sends when a connection comes back is after the answer, whoever waits for it; and a connection
        # looks up the types of a statement once.
        if not any(mark in query.query for mark in ("pg_advisory_unlock_all", "'jit'", "typeinfo_tree")):
            counted[str(current_fields().get(REQUEST_ID))].append(" ".join(query.query.split()))

    async def prepare(connection: Any) -> None:
        await register_vector(connection)
        connection.add_query_logger(note)

    monkeypatch.setattr("soundalike.db.database._prepare", prepare)
    return counted


@pytest.fixture
async def client(
    statements: dict[str, list[str]], platform: Platform, settings: ApiSettings, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    for number in range(6):
        await platform.add(number, model_tags=["jazz"])
    await platform.publish()
    await platform.add(6, model_tags=["jazz"])
    await tracks.upsert(platform.pool, Track(TrackId("soundcloud", "1"), "", link="https://soundcloud.com/a/b"))
    song = tmp_path / "music" / "song.wav"
    song.parent.mkdir()
    soundfile.write(song, [0.0] * 8_000, 8_000)
    await tracks.upsert(platform.pool, Track(SONG, "A song"))
    async with platform.pool.acquire() as connection:
        library = (await libraries.register(connection, os.fsencode(song.parent))).library
        await locations.save(connection, ScannedLocation(library, b"song.wav", FileStamp.of(song.stat())), SONG)
        mine = Playlist(PLAYLIST, "spotify", "Mine", "s1")
        await playlists.replace(connection, mine, [(0, track_id(0)), (1, track_id(1))])
        await crawls.add(connection, CrawlSource(playlist=PLAYLIST))
    pairs = [(f"soundcloud:users:{user}", urn(number)) for user in range(1, 5) for number in range(user, 5)]
    await users.upsert(platform.pool, [User(user) for user, _ in pairs])
    await favorites.add(platform.pool, pairs)
    await publish_taste(platform.pool, platform.store, tmp_path, "t1", CooccurrenceParameters(method="cosine"))
    async with serving(create_app(settings, platform.store)) as opened:
        await eventually(lambda: is_ready(opened))

        async def taste_is_known() -> bool:
            return (await opened.get(f"/recommend?track={urn(4)}&by=taste")).status_code == 200

        await eventually(taste_is_known)

        async def all_are_known() -> bool:
            return len(await recommend(opened, urn(0), 100)) == 6

        await eventually(all_are_known)
        yield opened


async def test_a_request_asks_the_database_once_at_most(
    client: httpx.AsyncClient, statements: dict[str, list[str]]
) -> None:
    requests = {}
    for address in chain.from_iterable(ADDRESSES.values()):
        answer = await client.get(address, headers={"X-Request-ID": "counted"})
        assert answer.status_code in {200, 307}, (address, answer.text)
        requests[address] = statements.pop("counted", [])
    assert {address: len(results) for address, results in requests.items() if len(results) > 1} == dict.fromkeys(
        TWICE, 2
    )


async def test_statements_are_counted_at_all(client: httpx.AsyncClient, statements: dict[str, list[str]]) -> None:
    await client.get(f"/tracks/{urn(0)}", headers={"X-Request-ID": "counted"})
    assert any("FROM tracks" in statement for statement in statements["counted"])


def test_every_route_is_counted() -> None:
    routes = [route for router in (*ROUTERS, metrics.router) for route in router.routes]
    answered = {route.path for route in routes if isinstance(route, APIRoute) and "GET" in route.methods}
    assert answered == set(ADDRESSES) | SHARED
