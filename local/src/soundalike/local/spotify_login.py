"""Asking a user's consent at Spotify: authorization code with PKCE on a loopback redirect (RFC 8252, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import webbrowser
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from soundalike.local.errors import LocalPlatformError
from soundalike.local.ports import LOOPBACK
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PORT: Final = 8898
SCOPES: Final = "playlist-read-private playlist-read-collaborative user-library-read"
_TIMEOUT_S: Final = 300.0
_POLL_S: Final = 1.0


class LoginFailure(LocalPlatformError):
    """Spotify or its user said no, or nobody answered."""


class SpotifyApp(BaseSettings):
    """The app that asks, by the same variables as in a crawl; without its secret it proves itself by PKCE alone."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    spotify_client_id: str
    spotify_client_secret: SecretStr | None = None
    spotify_authorize_url: str = "https://accounts.spotify.com/authorize"
    spotify_token_url: str = "https://accounts.spotify.com/api/token"  # noqa: S105 - an address


class _Tokens(BaseModel):
    refresh_token: Annotated[str, Field(min_length=1)]


class _TokenError(BaseModel):
    error: str
    error_description: str = ""


@dataclass(slots=True)
class Login:
    """One consent; `open_browser` is given the address, `report` what the person has to know."""

    app: SpotifyApp
    port: int = PORT
    open_browser: Callable[[str], object] = webbrowser.open
    report: Callable[[str], None] = print
    timeout_s: float = _TIMEOUT_S
    _state: str = field(default_factory=lambda: secrets.token_urlsafe(24), init=False)
    _verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), init=False, repr=False)

    @property
    def redirect_uri(self) -> str:
        """Where the browser is sent back to; it has to be among the app's redirect URIs."""
        return f"http://{LOOPBACK}:{self.port}/callback"

    def run(self, file: Path) -> None:
        """Get the consent and keep what proves it in `file`; blocks. Raises `LoginFailure`."""
        try:
            server = _CallbackServer((LOOPBACK, self.port))
        except OSError as error:
            raise LoginFailure(f"Port {self.port} is in use: choose another with --port.") from error
        with server:
            self.report(f"The app needs {self.redirect_uri} among its redirect URIs (developer.spotify.com).")
            self.report(f"If no browser opens, open this address:\n  {self._consent_url()}")
            # A browser in the terminal returns only when it is closed.
            threading.Thread(target=self.open_browser, args=[self._consent_url()], daemon=True).start()
            answer = server.wait(self.timeout_s)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {"client_id": self.app.spotify_client_id, "refresh_token": self._redeem(self._code(answer))}
        write_private(file, json.dumps(kept) + "\n")

    def _consent_url(self) -> str:
        digest = hashlib.sha256(self._verifier.encode()).digest()
        question = {
            "client_id": self.app.spotify_client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": SCOPES,
            "state": self._state,
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }
        return f"{self.app.spotify_authorize_url}?{urlencode(question)}"

    def _code(self, callback: dict[str, str] | None) -> str:
        if callback is None:
            raise LoginFailure(f"Nobody agreed within {self.timeout_s / 60:.0f} minutes.")
        if not secrets.compare_digest(callback.get("state", "").encode(), self._state.encode()):
            raise LoginFailure("The answer belongs to another question: run the same command again.")
        if "code" not in callback:
            raise LoginFailure(f"Spotify did not agree: {callback.get('error', 'no reason given')}")
        return callback["code"]

    def _redeem(self, code: str) -> str:
        app, form = self.app, {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        form["code_verifier"] = self._verifier
        secret = app.spotify_client_secret
        credentials = (app.spotify_client_id, secret.get_secret_value()) if secret else None
        if credentials is None:
            form["client_id"] = app.spotify_client_id
        try:
            answer = httpx.post(app.spotify_token_url, data=form, auth=credentials, timeout=30)
        except httpx.HTTPError as error:
            raise LoginFailure(f"{app.spotify_token_url} does not answer: {error}") from error
        try:
            return _Tokens.model_validate_json(answer.content).refresh_token
        except ValidationError:
            raise LoginFailure(f"Spotify gave no token: {_reason(answer)}") from None


class _CallbackServer(HTTPServer):
    """Waits for the browser to come back."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.query: dict[str, str] | None = None
        super().__init__(address, _CallbackHandler)
        self.timeout = _POLL_S

    def wait(self, timeout_s: float) -> dict[str, str] | None:
        """Return what the browser brought, or None when nobody came in time."""
        turns = max(1, round(timeout_s / _POLL_S))
        while self.query is None and turns:
            self.handle_request()
            turns -= 1
        return self.query


class _CallbackHandler(BaseHTTPRequestHandler):
    server: _CallbackServer
    timeout = 5

    def do_GET(self) -> None:
        """Take the answer to our question; browsers ask for other things as well."""
        parts = urlsplit(self.path)
        if parts.path != "/callback":
            self.send_error(404)
            return
        self.server.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        agreed = "code" in self.server.query
        text = "Soundalike may read now. You can close this window." if agreed else "Nothing was allowed."
        body = f"<!doctype html><title>Soundalike</title><p>{html.escape(text)}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # The address holds the code.
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing: the line would hold the code."""


def _reason(response: httpx.Response) -> str:
    try:
        refusal = _TokenError.model_validate_json(response.content)
    except ValidationError:
        return f"it answered {response.status_code}"
    return f"{refusal.error} {refusal.error_description}".strip()
