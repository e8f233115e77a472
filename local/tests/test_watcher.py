"""The watcher among the platform's programs: who asks for a track gets it, and nobody else is asked for anything."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import boto3
import httpx
import pytest

from soundalike.local import status
from soundalike.local.data_directory import DataDirectory
from soundalike.local.platform import SERVICES, Platform
from soundalike.local.ports import free_port
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.deezer_catalogue import DeezerCatalogue
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.server import SandboxServer
from soundalike.testing.wait import eventually, scale

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


def _track(number: int) -> str:
    found = DeezerCatalogue().by_isrc(pieces()[number].isrc)
    assert found is not None
    return f"deezer:track:{found.key}"


@pytest.fixture
def deezer(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """The only service there is; no account anywhere, and no way out."""
    for name in [name for name in os.environ if name.startswith(("SPOTIFY_", "DEEZER_", "ITUNES_", "SOUNDCLOUD_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with SandboxServer() as server:
        monkeypatch.setenv("DEEZER_API_URL", f"{server.url}/deezer/")
        yield server


@pytest.fixture
def data(private_folder: Path) -> DataDirectory:
    return DataDirectory.at(private_folder / "soundalike")


@pytest.fixture
def platform(data: DataDirectory) -> Platform:
    services = tuple(service for service in SERVICES if service.name != "indexer")
    return Platform(data, port=free_port(), services=services)


@pytest.fixture
async def api(platform: Platform, deezer: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        platform.running() as running,
        httpx.AsyncClient(base_url=running.api_url, trust_env=False, timeout=scale(60)) as client,
    ):
        yield client


async def _ready(api: httpx.AsyncClient, track: str) -> None:
    async def is_ready() -> bool:
        stored = (await api.get(f"/tracks/{track}")).json()
        assert stored["state"] in {"pending", "queued", "ready"}, stored
        return bool(stored["state"] == "ready")

    await eventually(is_ready, track, interval_s=0.1)


async def _listening(data: DataDirectory) -> None:
    log = data.root / "logs" / "watcher.log"
    await eventually(lambda: "watching" in log.read_text(encoding="utf-8"), "a watcher at work", interval_s=0.05)


@pytest.mark.timeout(300)
async def test_a_track_that_somebody_asks_for_is_heard_and_recommended(
    api: httpx.AsyncClient, data: DataDirectory, deezer: SandboxServer
) -> None:
    await _listening(data)
    assert deezer.sandbox.journal.read("/") == []
    asked = [_track(0), _track(1)]
    for track in asked:
        assert (await api.put(f"/tracks/{track}")).status_code == 202
    for track in asked:
        await _ready(api, track)
    question = {"track": asked[0], "max_per_artist": 9, "max_per_album": 9}

    async def results() -> list[str]:
        answer = await api.get("/recommend", params=question)
        assert answer.status_code in {200, 503}, answer.text
        return [result["urn"] for result in answer.json()["results"]] if answer.is_success else []

    # Within a second of the commit; nothing here measures it.
    assert await eventually(results, interval_s=0.1) == [asked[1]]
    assert {request.path.split("/")[1] for request in deezer.sandbox.journal.read("/")} == {"deezer"}


@pytest.mark.timeout(300)
async def test_what_fails_is_told_and_waited_for(
    api: httpx.AsyncClient,
    platform: Platform,
    data: DataDirectory,
    deezer: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in os.environ.items():
        # Put back afterwards, whatever the status makes of its environment.
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    running = "running       postgres, ministack, extractor, api, watcher"
    assert status.render(await status.read_status(data)).splitlines()[-2:] == ["asked for     nothing", running]

    switched_off, away = "spotify:track:0000000000000000000000", _track(0)
    deezer.sandbox.faults.add(Fault(path="/deezer/*", status=503, times=None))
    for track in (switched_off, away):
        assert (await api.put(f"/tracks/{track}")).status_code == 202

    async def refused() -> dict[str, str]:
        stored: dict[str, str] = (await api.get(f"/tracks/{switched_off}")).json()
        return {} if stored["state"] == "pending" else stored

    stored = await eventually(refused, interval_s=0.05)
    assert (stored["state"], "SPOTIFY_TERMS_ACCEPTED" in stored["reason"]) == ("no_preview", True)

    async def with_nothing_due() -> status.Status | None:
        seen = await status.read_status(data)
        return None if seen.requests.due else seen

    seen = await eventually(with_nothing_due)
    assert seen is not None
    assert seen.requests.next_due is not None
    assert (await api.get(f"/tracks/{away}")).json()["state"] == "pending"
    assert status.render(seen).splitlines()[-1] == running

    os.kill(killed := platform.supervisor.pid("watcher"), signal.SIGKILL)
    deezer.sandbox.faults.clear()
    assert (await api.put(f"/tracks/{away}")).status_code == 202
    await _ready(api, away)
    assert platform.supervisor.pid("watcher") != killed
