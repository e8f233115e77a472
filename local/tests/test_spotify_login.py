"""A user's consent, with the sandbox in Spotify's place and a thread in the browser's."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from soundalike.local.ports import free_port
from soundalike.local.spotify_login import Login, LoginFailure, SpotifyApp
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.server import SandboxServer
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def server(running: SandboxServer) -> SandboxServer:
    running.sandbox.grants.deny = False
    running.sandbox.faults.clear()
    running.sandbox.journal.clear()
    return running


@dataclass
class Browser:
    """Opens a page and follows its redirects, as a person who agrees; `visits` are the responses."""

    visits: list[httpx.Response] = field(default_factory=list)
    thread: threading.Thread | None = None
    forged: dict[str, str] = field(default_factory=dict)

    def open(self, address: str) -> None:
        self.thread = threading.Thread(target=self._visit, args=[address])
        self.thread.start()

    def _visit(self, address: str) -> None:
        response = httpx.get(address, timeout=scale(60))
        callback = httpx.URL(response.headers["Location"]).copy_merge_params(self.forged)
        # Browsers request an icon too.
        httpx.get(callback.join("/favicon.ico"), timeout=scale(60))
        self.visits += [response, httpx.get(callback, timeout=scale(60))]


def app(server: SandboxServer, *, secret: str | None = None, client_id: str = "sandbox") -> SpotifyApp:
    return SpotifyApp(
        spotify_client_id=client_id,
        spotify_client_secret=SecretStr(secret) if secret else None,
        spotify_authorize_url=f"{server.url}/authorize",
        spotify_token_url=server.token_url,
    )


def run(login: Login, file: Path, browser: Browser) -> None:
    login.open_browser = browser.open
    try:
        login.run(file)
    finally:
        assert browser.thread is not None
        browser.thread.join()


@pytest.mark.parametrize("secret", [None, "sandbox"])
def test_only_the_owner_can_read_the_refresh_token(
    server: SandboxServer, tmp_path: Path, secret: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file, browser = tmp_path / "new" / "spotify.json", Browser()
    run(Login(app(server, secret=secret), port=free_port()), file, browser)
    content = json.loads(file.read_text())
    assert content["client_id"] == "sandbox"
    assert server.sandbox.grants.refreshable_scopes(content["refresh_token"]) == {
        "playlist-read-private",
        "playlist-read-collaborative",
        "user-library-read",
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "You can close this window" in browser.visits[-1].text
    output = capsys.readouterr()
    assert "/callback" in output.out
    assert content["refresh_token"] not in output.out + output.err


def test_the_request_has_a_challenge_and_a_state(server: SandboxServer, tmp_path: Path) -> None:
    browser = Browser()
    run(Login(app(server), port=free_port()), tmp_path / "x", browser)
    query = parse_qs(urlsplit(str(browser.visits[0].url)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert len(query["state"][0]) >= 32


def test_a_user_who_refuses(server: SandboxServer, tmp_path: Path) -> None:
    server.sandbox.grants.deny = True
    browser = Browser()
    with pytest.raises(LoginFailure, match="access_denied"):
        run(Login(app(server), port=free_port()), tmp_path / "x", browser)
    assert "Access was not granted" in browser.visits[-1].text
    assert not (tmp_path / "x").exists()


def test_an_answer_to_another_login_is_refused(server: SandboxServer, tmp_path: Path) -> None:
    with pytest.raises(LoginFailure, match="belongs to another login"):
        run(Login(app(server), port=free_port()), tmp_path / "x", Browser(forged={"state": "guessed"}))
    assert not server.sandbox.journal.read("/api/token")


def test_a_wrong_secret_is_an_error(server: SandboxServer, tmp_path: Path) -> None:
    with pytest.raises(LoginFailure, match="invalid_client Invalid client secret"):
        run(Login(app(server, secret="guess"), port=free_port()), tmp_path / "x", Browser())


@pytest.mark.parametrize("body", ["<html>", {"access_token": "only"}, {"refresh_token": ""}])
def test_a_response_without_token(server: SandboxServer, tmp_path: Path, body: str | dict[str, str]) -> None:
    server.sandbox.faults.add(Fault(path="/api/token", status=200, body=body))
    with pytest.raises(LoginFailure, match="sent no token: status 200"):
        run(Login(app(server), port=free_port()), tmp_path / "x", Browser())


def test_nobody_answers(server: SandboxServer, tmp_path: Path) -> None:
    login = Login(app(server), port=free_port(), open_browser=lambda _: None, timeout_s=0.01)
    with pytest.raises(LoginFailure, match="No answer from Spotify"):
        login.run(tmp_path / "x")


def test_a_port_in_use(server: SandboxServer, tmp_path: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(LoginFailure, match="Choose another with --port"):
        Login(app(server), port=port, open_browser=lambda _: None).run(tmp_path / "x")
