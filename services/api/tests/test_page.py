"""What the page may load, by the settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from soundalike.api.app import create_app
from soundalike.api.settings import ApiSettings, Embed

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = {
    Embed.SPOTIFY: "https://open.spotify.com",
    Embed.DEEZER: "https://widget.deezer.com",
    Embed.SOUNDCLOUD: "https://w.soundcloud.com",
}


@pytest.mark.parametrize("text", [None, "", "deezer", "soundcloud, spotify"])
async def test_the_page_loads_the_players_that_are_switched_on_and_no_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:of-my-own@localhost/db")
    monkeypatch.setenv("S3_BUCKET", "bucket")
    if text is not None:
        monkeypatch.setenv("PAGE_EMBEDS", text)
    settings = ApiSettings()  # type: ignore[call-arg]
    names = list(Embed) if text is None else [each.strip() for each in text.split(",") if each]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(settings)), base_url="http://localhost"
    ) as client:
        page = await client.get("/")
    frames = re.findall(r"frame-src ([^;]*)", page.headers["content-security-policy"])
    assert " ".join(frames).split() == [HOSTS[Embed(name)] for name in names]
    assert f'<meta name="embeds" content="{" ".join(names)}">' in page.text


def test_a_player_that_nobody_knows_is_refused(settings: ApiSettings) -> None:
    with pytest.raises(ValueError, match="page_embeds"):
        ApiSettings.model_validate({**settings.model_dump(), "page_embeds": "spotify,other"})
