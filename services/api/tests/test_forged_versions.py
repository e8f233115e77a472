"""A version that was exchanged in the bucket together with its manifest is refused, and what is loaded answers."""

from __future__ import annotations

import asyncio
import logging
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from soundalike.api.app import create_app
from soundalike.similarity.index.files import INDEX
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.testing.wait import eventually

from .conftest import is_ready, recommend, serving, urn

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest

    from soundalike.api.settings import ApiSettings

    from .conftest import Platform


def forge_uploads(platform: Platform) -> None:
    """Upload a forged index in place of every one, with a manifest that agrees with it."""
    upload = platform.store.upload
    digests: dict[str, str] = {}

    async def upload_forged(key: str, path: Path) -> None:
        content = await asyncio.to_thread(path.read_bytes)
        if key.endswith(INDEX):
            forged = np.random.default_rng(0).bytes(len(content))
            digests[sha256(content).hexdigest()] = sha256(forged).hexdigest()
            await platform.store.put(key, forged, "")
        elif key.endswith(MANIFEST):
            text = content.decode()
            for before, after in digests.items():
                text = text.replace(before, after)
            await platform.store.put(key, text.encode(), "")
        else:
            await upload(key, path)

    platform.store.upload = upload_forged  # type: ignore[method-assign]


async def test_the_version_before_goes_on_and_readyz_names_the_forged_one(
    platform: Platform, settings: ApiSettings, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        await platform.add(number)
    await platform.publish()
    async with serving(create_app(settings, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        forge_uploads(platform)
        with caplog.at_level(logging.ERROR):
            await platform.publish()
            await eventually(lambda: is_refused(client), "the forged version is refused")
        assert "version v2 is invalid: manifest.json is not the one that was published" in caplog.text
        assert (await client.get("/readyz")).json()["index"]["version"] == "v1"
        assert len(await recommend(client, urn(0))) == 2


async def is_refused(client: httpx.AsyncClient) -> bool:
    answer = await client.get("/readyz")
    body = answer.json()
    return (
        answer.status_code == 200 and body["status"] == "degraded" and "v2 cannot be used" in body["missing"]["index"]
    )
