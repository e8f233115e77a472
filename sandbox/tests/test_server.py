import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
import requests

from soundalike.sandbox.catalogue import Piece, pieces
from soundalike.sandbox.composer import Previews
from soundalike.sandbox.errors import ServerNotStarted
from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.state import Sandbox
from soundalike.testing.wait import eventually_sync, scale


def test_health(server: SandboxServer, http: requests.Session) -> None:
    assert http.get(f"{server.url}/healthz").json() == {"status": "ok"}


def test_faults_over_http(server: SandboxServer, http: requests.Session) -> None:
    rule = {
        "path": "/v1/playlists/*/items",
        "status": 429,
        "headers": {"Retry-After": "1"},
        "body": {"x": 1},
        "times": 2,
    }
    assert http.post(f"{server.url}/_sandbox/faults", json=rule).status_code == 201
    url = f"{server.api_url}playlists/{DEMO_PLAYLIST_ID}/items"
    replies = [http.get(url) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 401]
    assert (replies[0].json(), replies[0].headers["Retry-After"]) == ({"x": 1}, "1")
    http.post(f"{server.url}/_sandbox/faults", json={"path": "*", "status": 200, "body": "<html>", "times": None})
    assert http.get(url).text == "<html>"
    assert http.delete(f"{server.url}/_sandbox/faults").status_code == 204
    assert http.get(url).status_code == 401


def test_a_misspelt_fault_is_refused(server: SandboxServer, http: requests.Session) -> None:
    reply = http.post(f"{server.url}/_sandbox/faults", json={"path": "*", "statsu": 500})
    assert reply.status_code == 400
    assert "statsu" in reply.json()["error"]["message"]


def test_journal_over_http(server: SandboxServer, http: requests.Session) -> None:
    http.get(f"{server.api_url}tracks/1?market=NL", headers={"User-Agent": "probe", "Authorization": "Bearer hidden"})
    http.get(f"{server.url}/mp3-preview/x")
    log = http.get(f"{server.url}/_sandbox/requests", params={"path": "/v1/"})
    assert log.json() == [
        {"method": "GET", "path": "/v1/tracks/1", "query": "market=NL", "status": 401, "user_agent": "probe"}
    ]
    assert "hidden" not in log.text
    assert len(server.sandbox.journal.read()) == 2
    assert http.delete(f"{server.url}/_sandbox/requests").status_code == 204
    assert server.sandbox.journal.read() == []


def test_tokens_expire_over_http(server: SandboxServer, http: requests.Session) -> None:
    token = server.sandbox.tokens.issue()
    http.post(f"{server.url}/_sandbox/expire-tokens")
    reply = http.get(f"{server.api_url}tracks/1", headers={"Authorization": f"Bearer {token}"})
    assert reply.json()["error"]["message"] == "The access token expired"


def test_urls_use_the_host_of_the_request(server: SandboxServer, http: requests.Session) -> None:
    headers = {"Authorization": f"Bearer {server.sandbox.tokens.issue()}", "Host": "sandbox:8899"}
    page = http.get(f"{server.api_url}playlists/{DEMO_PLAYLIST_ID}/items", headers=headers).json()
    assert page["next"].startswith("http://sandbox:8899/v1/playlists/")
    assert page["items"][0]["item"]["preview_url"].startswith("http://sandbox:8899/mp3-preview/")


def test_the_url_exists_only_inside_the_context() -> None:
    server = SandboxServer()
    with pytest.raises(ServerNotStarted):
        _ = server.url
    with server:
        host, port = server.url.removeprefix("http://").split(":")
    with pytest.raises(ServerNotStarted):
        _ = server.url
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=scale(5))


class _PreviewLog(Previews):
    def __init__(self, enough: threading.Event) -> None:
        super().__init__()
        self.composed: list[Piece] = []
        self._enough = enough

    def mp3(self, piece: Piece) -> bytes:
        self.composed.append(piece)
        if len(self.composed) == len(pieces()):
            self._enough.set()
        return b""


def test_music_is_composed_ahead_in_the_order_of_the_playlist() -> None:
    done = threading.Event()
    previews = _PreviewLog(done)
    with SandboxServer(Sandbox(previews=previews), compose_ahead=True):
        assert done.wait(scale(60))
    assert set(previews.composed) == set(pieces())
    assert [piece.index for piece in previews.composed] == sorted(piece.index for piece in pieces())


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_command_line_serves_until_it_is_interrupted(http: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "soundalike.sandbox", "--port", str(port), "--no-compose-ahead"]
    environment = {**os.environ, "SANDBOX_CLIENT_ID": "me", "SANDBOX_CLIENT_SECRET": "mine"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert DEMO_PLAYLIST_ID in process.stdout.readline()

        def answer() -> requests.Response:
            form = {"grant_type": "client_credentials"}
            return http.post(f"http://127.0.0.1:{port}/api/token", data=form, auth=("me", "mine"))

        reply = eventually_sync(answer, interval_s=0.05, retry_on=requests.ConnectionError)
        assert reply.json()["token_type"] == "Bearer"
        process.send_signal(signal.SIGINT)
        assert process.wait(scale(30)) == 130
