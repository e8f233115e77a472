"""Every error the API knows, as problem details."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from soundalike.api import problems
from soundalike.api.app import create_app
from soundalike.db import database, schema, tracks
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import ACCEPTED_FORMS
from soundalike.storage.object_store import MemoryStore
from soundalike.testing.hostile_text import HOSTILE_TEXTS, active_characters
from soundalike.testing.wait import eventually

from .conftest import MODEL, Platform, is_ready, recommend, serving, track_id, urn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from soundalike.api.settings import ApiSettings


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Check what every problem has in common and return its members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:soundalike:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize("path", ["/recommend?track={}", "/tracks/{}"])
async def test_an_unknown_track_says_what_to_do(client: httpx.AsyncClient, path: str) -> None:
    body = problem(await client.get(path.format(urn(99))), 404, "unknown-track")
    assert "make crawl" in body["detail"]
    assert body["track"] == urn(99)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "harder better faster",
        "spotify:track:short",
        "spotify:album:0DiWol3AO6WpXZgp0goxAV",
        "https://example.org/track/1",
        "https://soundcloud.com/nobody/nothing",
        "https://soundcloud.com/a/b\x00c",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "x" * 2048,
    ],
)
async def test_a_text_that_is_no_track_names_the_accepted_forms(client: httpx.AsyncClient, text: str) -> None:
    body = problem(await client.get("/recommend", params={"track": text}), 422, "unparsable-track")
    assert ACCEPTED_FORMS in body["detail"]


async def test_a_path_that_is_no_track_names_the_accepted_forms(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/tracks/https://example.org/track/1"), 422, "unparsable-track")
    assert ACCEPTED_FORMS in body["detail"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "track"),
        (f"track={urn(0)}&n=0", "n"),
        (f"track={urn(0)}&n=101", "n"),
        (f"track={urn(0)}&n=-1", "n"),
        (f"track={urn(0)}&n=ten", "n"),
        (f"track={urn(0)}&n=", "n"),
        (f"track={urn(0)}&limit=5", "limit"),
        (f"track={urn(0)}&N=5", "N"),
        (f"track={urn(0)}&n=5&n=6", "n"),
        (21 * f"&track={urn(0)}", "track"),
        (f"track={urn(0)}&min_score=1.1", "min_score"),
        (f"track={urn(0)}&min_score=nan", "min_score"),
        (f"track={urn(0)}&max_per_artist=0", "max_per_artist"),
        (f"track={urn(0)}&max_per_album=101", "max_per_album"),
        (f"track={urn(0)}&diversity=-0.1", "diversity"),
        (f"track={urn(0)}" + 201 * f"&exclude={urn(1)}", "exclude"),
        (f"track={urn(0)}&exclude_artist=", "exclude_artist"),
        (f"track={urn(0)}&exclude_artist={'x' * 201}", "exclude_artist"),
        (f"track={urn(0)}&source=youtube", "source"),
        (f"track={urn(0)}&min_duration=-1", "min_duration"),
        (f"track={urn(0)}&max_duration=86401", "max_duration"),
        (f"track={urn(0)}&min_duration=60&max_duration=59", "max_duration"),
        (f"track={urn(0)}&format=xml", "format"),
        (f"track={'x' * 2049}", "track"),
        (f"track={urn(0)}&tag=jazz&tag=jaz", "tag"),
        (f"track={urn(0)}&not_tag=", "not_tag"),
        (f"track={urn(0)}&tag=jazz&not_tag=Jazz", "not_tag"),
        (f"track={urn(0)}" + 51 * "&tag=jazz", "tag"),
    ],
)
async def test_wrong_parameters_are_named(client: httpx.AsyncClient, query: str, parameter: str) -> None:
    body = problem(await client.get(f"/recommend?{query}"), 422, "invalid-request")
    assert [error["parameter"] for error in body["errors"]] == [parameter]
    assert parameter in body["detail"]


async def test_an_unknown_tag_names_the_known_ones(client: httpx.AsyncClient) -> None:
    body = problem(await client.get(f"/recommend?track={urn(0)}&tag=jaz"), 422, "invalid-request")
    assert body["detail"].startswith("tag: there is no tag 'jaz'; the tags are rock, pop, ")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", f"/tracks/{urn(0)}"])
async def test_parameters_are_refused_where_there_are_none(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(f"{path}?verbose=1"), 422, "invalid-request")


async def test_a_track_under_way_says_its_state_and_when_to_ask_again(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await tracks.upsert(platform.pool, Track(track_id(1), "Title"))
    answer = await client.get("/recommend", params={"track": urn(1)})
    body = problem(answer, 503, "not-ready")
    assert (body["track"], body["state"], body["reason"]) == (urn(1), "pending", None)
    assert int(answer.headers["retry-after"]) > 0
    await tracks.mark_queued(platform.pool, track_id(1), provider="folder", method="file")
    await tracks.set_reason(platform.pool, track_id(1), "tried five times")
    answer = await client.get("/recommend", params={"track": urn(1)})
    body = problem(answer, 503, "not-ready")
    assert (body["state"], body["reason"]) == ("queued", "tried five times")
    assert "tried five times" in body["detail"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("state", ["rejected", "no_preview", "forgotten", "gone"])
async def test_a_track_that_waiting_does_not_help_says_its_state_and_reason(
    platform: Platform, client: httpx.AsyncClient, state: str
) -> None:
    await platform.add(1)
    await platform.pool.execute("UPDATE tracks SET state = $2, reason = 'it is so' WHERE urn = $1", urn(1), state)
    answer = await client.get("/recommend", params={"track": urn(1)})
    body = problem(answer, 404, "not-recommendable")
    assert (body["track"], body["state"], body["reason"]) == (urn(1), state, "it is so")
    assert "it is so" in body["detail"]
    assert "retry-after" not in answer.headers


async def test_other_addresses_and_methods(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nothing"), 404, "http")
    answer = await client.delete("/search")
    problem(answer, 405, "http")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_an_error_of_the_program_is_a_problem_too(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError("a secret of the program")

    monkeypatch.setattr("soundalike.db.track_references.resolve_all", fails)
    answer = await client.get("/recommend", params={"track": urn(0)})
    assert "secret" not in str(problem(answer, 500, "internal"))


async def test_without_a_model_it_is_not_ready(settings: ApiSettings) -> None:
    async with serving(create_app(settings, MemoryStore())) as client:
        await eventually(lambda: _says(client, "space", "no model is registered"))
        answer = await client.get("/recommend", params={"track": urn(0)})
        assert problem(answer, 503, "not-serving")["missing"].keys() == {"space"}
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/healthz")).status_code == 200


async def test_an_unprovisioned_database_is_waited_for(empty_database_url: str, settings: ApiSettings) -> None:
    settings = settings.model_copy(update={"database_url": SecretStr(empty_database_url)})
    async with serving(create_app(settings, MemoryStore())) as client:
        assert set(problem(await client.get("/readyz"), 503, "not-serving")["missing"]) == {"database", "space"}
        await schema.upgrade(empty_database_url)
        async with database.connect(empty_database_url) as pool:
            await Platform(pool, MemoryStore(), settings.api_cache_dir or None).register(MODEL)  # type: ignore[arg-type]
        await eventually(lambda: is_ready(client))


class Wire:
    """A way to the database that can be cut and mended."""

    def __init__(self, port: int, database_port: int) -> None:
        self.port = port
        self._database_port = database_port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._connections:
            writer.transport.abort()
        self._connections.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._database_port)
        self._connections |= {writer, back}
        await asyncio.gather(_pour(reader, back), _pour(there, writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def wire(settings: ApiSettings, unused_tcp_port: int) -> AsyncIterator[Wire]:
    host = settings.database_url.get_secret_value().rpartition("@")[2].partition("/")[0]
    wire = Wire(unused_tcp_port, int(host.rpartition(":")[2]))
    await wire.mend()
    yield wire
    await wire.cut()


async def test_the_database_may_go_away_and_come_back(
    platform: Platform, settings: ApiSettings, database_url: str, wire: Wire
) -> None:
    head, _, tail = database_url.rpartition(":")
    through_wire = f"{head}:{wire.port}/{tail.partition('/')[2]}"
    app = create_app(settings.model_copy(update={"database_url": SecretStr(through_wire)}), platform.store)
    await wire.cut()
    async with serving(app) as client:
        answer = await client.get("/readyz")
        assert set(problem(answer, 503, "not-serving")["missing"]) == {"database", "space"}
        await wire.mend()
        await platform.add(0)
        await platform.add(1)
        await eventually(lambda: is_ready(client))
        await eventually(lambda: _recommends_all(client, 1))
        await wire.cut()
        for path in ("/readyz", f"/recommend?track={urn(0)}", f"/tracks/{urn(0)}"):
            answer = await client.get(path)
            assert set(problem(answer, 503, "not-serving")["missing"]) == {"database"}
            assert int(answer.headers["retry-after"]) > 0
            assert "soundalike:" not in answer.text.replace("urn:soundalike:", ""), "the address holds a password"
        await platform.add(2)
        await wire.mend()
        await eventually(lambda: is_ready(client))
        await eventually(lambda: _recommends_all(client, 2))


async def _recommends_all(client: httpx.AsyncClient, count: int) -> bool:
    answer = await client.get("/recommend", params={"track": urn(0)})
    return answer.status_code == 200 and len(await recommend(client, urn(0))) == count


async def _says(client: httpx.AsyncClient, part: str, text: str) -> bool:
    answer = await client.get("/readyz")
    return answer.status_code == 503 and text in answer.json()["missing"].get(part, "")


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_a_problem_is_json_that_a_terminal_can_show(hostile: str) -> None:
    answer = problems.not_ready("deezer:track:1", State.PENDING, hostile).response()
    text = bytes(answer.body).decode()
    assert active_characters(text) == set()
    assert json.loads(text)["reason"] == hostile
    assert not [value for value in answer.headers.values() if active_characters(value)]
