"""The watcher among the platform's programs: it fetches requested tracks, and sends no other requests."""

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
    track = DeezerCatalogue().by_isrc(pieces()[number].isrc)
    assert track is not None
    return f"deezer:track:{track.key}"


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
        track_details = (await api.get(f"/tracks/{track}")).json()
        assert track_details["state"] in {"pending", "queued", "ready"}, track_details
        return bool(track_details["state"] == "ready")

    await eventually(is_ready, track, interval_s=0.1)


async def _wait_until_watching(data: DataDirectory) -> None:
    log = data.root / "logs" / "watcher.log"
    await eventually(lambda: "watching" in log.read_text(encoding="utf-8"), "a watcher at work", interval_s=0.05)


@pytest.mark.timeout(300)
async def test_a_requested_track_is_extracted_and_recommended(
    api: httpx.AsyncClient, data: DataDirectory, deezer: SandboxServer
) -> None:
    await _wait_until_watching(data)
    assert deezer.sandbox.journal.read("/") == []
    requests = [_track(0), _track(1)]
    for track in requests:
        assert (await api.put(f"/tracks/{track}")).status_code == 202
    for track in requests:
        await _ready(api, track)
    query = {"track": requests[0], "max_per_artist": 9, "max_per_album": 9}

    async def results() -> list[str]:
        response = await api.get("/recommend", params=query)
        assert response.status_code in {200, 503}, response.text
        return [result["urn"] for result in response.json()["results"]] if response.is_success else []

    # Within a second of the commit; nothing here measures it.
    assert await eventually(results, interval_s=0.1) == [requests[1]]
    assert {request.path.split("/")[1] for request in deezer.sandbox.journal.read("/")} == {"deezer"}


@pytest.mark.timeout(300)
async def test_failed_requests_have_a_reason_and_are_retried(
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
    assert status.render(await status.read_status(data)).splitlines()[-2:] == ["requests      none", running]

    switched_off, away = "spotify:track:0000000000000000000000", _track(0)
    deezer.sandbox.faults.add(Fault(path="/deezer/*", status=503, times=None))
    for track in (switched_off, away):
        assert (await api.put(f"/tracks/{track}")).status_code == 202

    async def refused() -> dict[str, str]:
        track_details: dict[str, str] = (await api.get(f"/tracks/{switched_off}")).json()
        return {} if track_details["state"] == "pending" else track_details

    track_details = await eventually(refused, interval_s=0.05)
    assert (track_details["state"], "SPOTIFY_TERMS_ACCEPTED" in track_details["reason"]) == ("no_preview", True)

    async def with_nothing_due() -> status.Status | None:
        report = await status.read_status(data)
        return None if report.content.platform.requests.due else report

    report = await eventually(with_nothing_due)
    assert report is not None
    assert report.content.platform.requests.next_due is not None
    assert (await api.get(f"/tracks/{away}")).json()["state"] == "pending"
    assert status.render(report).splitlines()[-1] == running

    os.kill(killed := platform.supervisor.pid("watcher"), signal.SIGKILL)
    deezer.sandbox.faults.clear()
    assert (await api.put(f"/tracks/{away}")).status_code == 202
    await _ready(api, away)
    assert platform.supervisor.pid("watcher") != killed
