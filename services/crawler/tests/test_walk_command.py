"""The command of the walk: what it may ask, and what a run says."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from rich.console import Console

from soundalike.crawler.walk.command import EX_TEMPFAIL, FAILED, WalkOptions, walk
from soundalike.crawler.walk.settings import SoundCloudSettings
from soundalike.db import favorites
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.soundcloud import SoundCloud
from soundalike.sandbox.soundcloud_world import WorldSize, make_world
from soundalike.sandbox.state import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.db.database import Pool

SIZE = WorldSize(users=60, tracks=30, likes=400, deleted_share=0.0, private_share=0.0)
START = ("https://soundcloud.com/listener-0",)
APP = {"soundcloud_client_id": "sandbox", "soundcloud_client_secret": "sandbox"}


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(soundcloud=SoundCloud(SIZE))) as running:
        yield running


def settings(database_url: str, **values: object) -> SoundCloudSettings:
    return SoundCloudSettings(database_url=database_url, s3_bucket="unused", **values)  # type: ignore[arg-type]


def at(server: SandboxServer, database_url: str) -> SoundCloudSettings:
    url = server.soundcloud_url
    return settings(
        database_url,
        soundcloud_api_url=url,
        soundcloud_token_url=f"{url}/oauth/token",
        soundcloud_requests_per_second=500,
        **APP,
    )


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (APP, "SOUNDCLOUD_TERMS_ACCEPTED"),
        ({"soundcloud_terms_accepted": "yes"}, "SOUNDCLOUD_CLIENT_ID"),
        (
            {**APP, "soundcloud_terms_accepted": "yes", "soundcloud_api_url": "http://127.0.0.1:1"},
            "SOUNDCLOUD_TOKEN_URL",
        ),
    ],
)
def test_soundcloud_is_off_until_it_is_allowed(
    values: dict[str, str], named: str, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings(database_url, **values).access()
    assert ended.value.code == 78
    assert named in capsys.readouterr().err


def test_credentials_go_over_https_only(database_url: str) -> None:
    with pytest.raises(ValidationError, match="https only"):
        settings(database_url, soundcloud_api_url="http://api.soundcloud.com")


async def test_a_run_leaves_a_table_and_one_line_for_machines(
    pool: Pool, database_url: str, server: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    shown = io.StringIO()
    with caplog.at_level(logging.INFO, "soundalike.crawler.walk.command"):
        status = await walk(at(server, database_url), WalkOptions(START, 2, 1_000), Console(file=shown))
    assert status == 0
    assert await favorites.count(pool) == len(make_world(SIZE).reachable(0, 2))
    assert "lists still to be read" in shown.getvalue()
    [line] = [record.getMessage() for record in caplog.records if record.getMessage().startswith("walked: ")]
    output = json.loads(line.removeprefix("walked: "))
    assert (output["owed"], output["status"], output["reasons"]) == (0, 0, {})


async def test_what_stops_a_run_is_told_and_has_a_status(pool: Pool, database_url: str, server: SandboxServer) -> None:
    shown = io.StringIO()
    wrong = WalkOptions(("https://soundcloud.com/nobody-of-that-name",), 1, 100)
    assert await walk(at(server, database_url), wrong, Console(file=shown)) == FAILED
    assert "has nothing at" in shown.getvalue()
    server.sandbox.faults.add(
        Fault(path="/soundcloud/users/*/likes/*", status=429, headers={"Retry-After": "4000"}, times=None)
    )
    assert await walk(at(server, database_url), WalkOptions(START, 1, 100), Console(file=shown)) == EX_TEMPFAIL
    assert "run the same command again to continue" in shown.getvalue()
