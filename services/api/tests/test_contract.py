"""The program keeps to its OpenAPI specification, whatever it is sent; CONTRACT_EXAMPLES=400 tries harder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from soundalike.db import playlists, tracks, uploads
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import Track
from soundalike.db.uploads import Analysis
from soundalike.testing.wait import eventually, scale

from .conftest import Platform, is_ready, tag_probabilities, track_id, vector
from .test_server import running

EXAMPLES: Final = int(os.environ.get("CONTRACT_EXAMPLES", "0"))
_PHASES: Final = "examples,coverage,fuzzing" if EXAMPLES else "examples,coverage"

# 503 is an answer like others here: it says when to ask again. What is no answer, 500, is in no description.
# A schema cannot say whether a text names a track, nor that two parameters contradict each other: hence 422. Nor can it
# say how long they may be together (400), or that a file is music (415).
_SETTINGS: Final = """
[checks]
not_a_server_error.enabled = false
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 404, 408, 410, 415, 422, "5xx"]
"""


@pytest.mark.timeout(3_600)
async def test_nothing_that_is_sent_gets_an_answer_that_is_not_described(
    real_platform: Platform, database_url: str, bucket: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    for number in range(12):
        await real_platform.add(number, title=f"Harder {number}", artists=("Daft Punk",), model_tags=["jazz"])
    await real_platform.publish()
    await tracks.upsert(real_platform.pool, Track(track_id(12), "Not heard yet"))
    async with real_platform.pool.acquire() as connection:
        mine = Playlist("spotify:playlist:37i9dQZF1DXcBWIGoYBM5M", "spotify", "Mine", "s1")
        await playlists.replace(connection, mine, [(number, track_id(number)) for number in range(3)])
    environment = {
        "DATABASE_URL": database_url,
        "S3_BUCKET": bucket,
        "API_PORT": str(unused_tcp_port),
        "API_CACHE_DIR": str(tmp_path / "cache"),
    }
    log = tmp_path / "api.log"
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with running(environment, log) as process:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=scale(60)) as client:

            async def ready() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return await is_ready(client)
                except httpx.TransportError:
                    return False

            await eventually(ready)
        extraction = asyncio.create_task(_extract(real_platform))
        checked = await asyncio.to_thread(_schemathesis, f"{url}/openapi.json", tmp_path)
        extraction.cancel()
        print(checked.stdout)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "Traceback" not in log.read_text(), log.read_text()


async def _extract(platform: Platform) -> None:
    """Hear whatever is sent, as an extractor would."""
    sound = Analysis(platform.model.model, vector(0), tag_probabilities("jazz"))
    while True:
        for row in await platform.pool.fetch("SELECT id FROM queries WHERE state = 'waiting'"):
            await uploads.complete(platform.pool, row["id"], sound)
        await asyncio.sleep(0.01)


def _schemathesis(specification: str, directory: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        specification,
        f"--phases={_PHASES}",
        f"--max-examples={max(1, EXAMPLES)}",
        "--generation-deterministic",
        # With several threads Python 3.11 sometimes fails to read the source of a lambda (CPython issue 106905).
        "--workers=1",
        "--continue-on-failure",
        "--no-color",
    ]
    directory.joinpath("schemathesis.toml").write_text(_SETTINGS, encoding="utf-8")
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
