"""Where files lie is told to whom it may be told, by a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.api.app import create_app
from soundalike.api.settings import Access
from soundalike.db import api_keys, libraries, locations
from soundalike.db.api_keys import Scope
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.testing.wait import eventually

from .conftest import Platform, index_of, is_ready, serving, track_id, urn, vector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from soundalike.api.settings import ApiSettings

PROXY = {"X-Forwarded-For": "203.0.113.7"}
STAMP = FileStamp(1, 2, 3, 4)


@pytest.fixture
async def lines(platform: Platform, settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """An API whose catalogue has two tracks, of which the second lies in a library at two places."""
    await platform.add(0)
    await platform.add(1, vector(0) + vector(1) / 10, link=None)
    async with platform.pool.acquire() as connection:
        library = (await libraries.register(connection, b"/music")).library
        for path in (b"A/a?.mp3", b"A/a.mp3"):
            await locations.save(connection, ScannedLocation(library, path, STAMP), track_id(1))
    keyed = settings.model_copy(update={"api_reads": Access.OPEN, "api_writes": Access.KEYED})
    async with serving(create_app(keyed, platform.store)) as client:
        await eventually(lambda: is_ready(client))

        async def has_both() -> bool:
            index = await index_of(client)
            return bool(index) and index["tracks"] + index["tail"] == 2

        await eventually(has_both)
        yield client


async def last_line(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **parameters: str) -> str:
    answer = await client.get(
        "/recommend", params={"track": urn(0), "format": "m3u", **parameters}, headers=headers or {}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Vary"].startswith("Accept, Authorization")
    return answer.text.splitlines()[-1]


async def test_paths_of_files_in_playlists(lines: httpx.AsyncClient, platform: Platform) -> None:
    assert await last_line(lines) == "/music/A/a.mp3"
    assert await last_line(lines, paths="relative=/music/Lists") == "../A/a.mp3"
    assert await last_line(lines, paths="uri") == "file:///music/A/a.mp3"
    assert await last_line(lines, paths="none") == urn(1)
    assert await last_line(lines, path_prefix_from="/music", path_prefix_to="D:\\M") == "D:\\M\\A\\a.mp3"
    # A track of a cue sheet is a part of its file.
    await platform.pool.execute("UPDATE locations SET segment = '1500-90000' WHERE path = 'A/a.mp3'::bytea")
    answer = await lines.get("/recommend", params={"track": urn(0), "format": "m3u"})
    assert answer.text.splitlines()[-3:] == [
        "#EXTVLCOPT:start-time=1.5", "#EXTVLCOPT:stop-time=90.0", "/music/A/a.mp3",
    ]  # fmt: skip
    # A place that is gone is not named.
    await platform.pool.execute("UPDATE locations SET gone_at = now() WHERE path = 'A/a.mp3'::bytea")
    assert await last_line(lines) == "file:///music/A/a%3F.mp3"
    await platform.pool.execute("UPDATE locations SET gone_at = now()")
    assert await last_line(lines) == urn(1)


async def test_paths_are_for_who_is_local_or_has_a_key(lines: httpx.AsyncClient, platform: Platform) -> None:
    async def shown(headers: dict[str, str]) -> object:
        return (await lines.get(f"/tracks/{urn(1)}", headers=headers)).json()["locations"]

    assert await shown({}) == ["/music/A/a.mp3", "file:///music/A/a%3F.mp3"]
    assert (await lines.get(f"/tracks/{urn(0)}")).json()["locations"] == []
    for stranger in (PROXY, {**PROXY, "Authorization": "Bearer sa_made_up"}):
        assert await shown(stranger) is None
        for form in ("absolute", "uri", "relative=/music"):
            assert await last_line(lines, stranger, paths=form) == urn(1)
    async with platform.pool.acquire() as connection:
        key = await api_keys.add(connection, "a test", Scope.READ)
    holder = {**PROXY, "Authorization": f"Bearer {key}"}

    async def counts() -> bool:
        return await shown(holder) is not None

    await eventually(counts)
    assert await last_line(lines, holder) == "/music/A/a.mp3"


@pytest.mark.parametrize(
    "parameters",
    [{"paths": "relative"}, {"paths": "relative=Lists"}, {"paths": "some"}, {"path_prefix_from": "/music"}],
)
async def test_what_says_no_form_of_paths_is_refused(lines: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    answer = await lines.get("/recommend", params={"track": urn(0), "format": "m3u", **parameters})
    assert answer.status_code == 422
    assert next(iter(parameters)).partition("_from")[0] in answer.json()["detail"]
