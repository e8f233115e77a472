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
    """Opens an address and goes where it is sent, as a person would who agrees; `visits` are the pages it saw."""

    visits: list[httpx.Response] = field(default_factory=list)
    thread: threading.Thread | None = None
    forged: dict[str, str] = field(default_factory=dict)

    def open(self, address: str) -> None:
        self.thread = threading.Thread(target=self._visit, args=[address])
        self.thread.start()

    def _visit(self, address: str) -> None:
        answer = httpx.get(address)
        back = httpx.URL(answer.headers["Location"]).copy_merge_params(self.forged)
        # Browsers ask for a picture too.
        httpx.get(back.join("/favicon.ico"))
        self.visits += [answer, httpx.get(back)]


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
def test_the_consent_is_kept_where_only_its_owner_reads(
    server: SandboxServer, tmp_path: Path, secret: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file, browser = tmp_path / "new" / "spotify.json", Browser()
    run(Login(app(server, secret=secret), port=free_port()), file, browser)
    kept = json.loads(file.read_text())
    assert kept["client_id"] == "sandbox"
    assert server.sandbox.grants.refreshable_scopes(kept["refresh_token"]) == {
        "playlist-read-private",
        "playlist-read-collaborative",
        "user-library-read",
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "You can close this window" in browser.visits[-1].text
    said = capsys.readouterr()
    assert "/callback" in said.out
    assert kept["refresh_token"] not in said.out + said.err


def test_the_question_proves_who_asked(server: SandboxServer, tmp_path: Path) -> None:
    browser = Browser()
    run(Login(app(server), port=free_port()), tmp_path / "x", browser)
    asked = parse_qs(urlsplit(str(browser.visits[0].url)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert len(asked["state"][0]) >= 32


def test_a_user_who_says_no(server: SandboxServer, tmp_path: Path) -> None:
    server.sandbox.grants.deny = True
    browser = Browser()
    with pytest.raises(LoginFailure, match="access_denied"):
        run(Login(app(server), port=free_port()), tmp_path / "x", browser)
    assert "Nothing was allowed" in browser.visits[-1].text
    assert not (tmp_path / "x").exists()


def test_an_answer_to_another_question_is_not_taken(server: SandboxServer, tmp_path: Path) -> None:
    with pytest.raises(LoginFailure, match="belongs to another question"):
        run(Login(app(server), port=free_port()), tmp_path / "x", Browser(forged={"state": "guessed"}))
    assert not server.sandbox.journal.read("/api/token")


def test_a_wrong_secret_is_told(server: SandboxServer, tmp_path: Path) -> None:
    with pytest.raises(LoginFailure, match="invalid_client Invalid client secret"):
        run(Login(app(server, secret="guess"), port=free_port()), tmp_path / "x", Browser())


@pytest.mark.parametrize("body", ["<html>", {"access_token": "only"}, {"refresh_token": ""}])
def test_an_answer_without_token(server: SandboxServer, tmp_path: Path, body: str | dict[str, str]) -> None:
    server.sandbox.faults.add(Fault(path="/api/token", status=200, body=body))
    with pytest.raises(LoginFailure, match="gave no token: it answered 200"):
        run(Login(app(server), port=free_port()), tmp_path / "x", Browser())


def test_nobody_comes(server: SandboxServer, tmp_path: Path) -> None:
    login = Login(app(server), port=free_port(), open_browser=lambda _: None, timeout_s=0.01)
    with pytest.raises(LoginFailure, match="Nobody agreed"):
        login.run(tmp_path / "x")


def test_a_port_in_use(server: SandboxServer, tmp_path: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(LoginFailure, match="choose another with --port"):
        Login(app(server), port=port, open_browser=lambda _: None).run(tmp_path / "x")
