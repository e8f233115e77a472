"""A user's consent at Spotify: authorization code with PKCE and a loopback redirect (RFC 8252, RFC 7636)."""

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

from soundalike.domain.text import escape
from soundalike.local.data_directory import create_private
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
    """Spotify or its user refused, or nobody answered."""


class SpotifyApp(BaseSettings):
    """The app that asks, with the same variables as a crawl; without its secret it relies on PKCE alone."""

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
    """One consent; `open_browser` gets the URL, `report` the lines that the person reads."""

    app: SpotifyApp
    port: int = PORT
    open_browser: Callable[[str], object] = webbrowser.open
    report: Callable[[str], None] = print
    timeout_s: float = _TIMEOUT_S
    _state: str = field(default_factory=lambda: secrets.token_urlsafe(24), init=False)
    _verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), init=False, repr=False)

    @property
    def redirect_uri(self) -> str:
        """Where Spotify sends the browser back; it must be among the app's redirect URIs."""
        return f"http://{LOOPBACK}:{self.port}/callback"

    def run(self, file: Path) -> None:
        """Get the consent and save the refresh token in `file`; blocks. Raises `LoginFailure`."""
        try:
            server = _CallbackServer((LOOPBACK, self.port))
        except OSError as error:
            raise LoginFailure(f"Port {self.port} is in use. Choose another with --port.") from error
        with server:
            self.report(f"Add {self.redirect_uri} to the redirect URIs of your app (developer.spotify.com).")
            self.report("If no browser opens, open this page:")
            self.report(f"  {self._consent_url()}")
            # A text browser returns only when it is closed.
            threading.Thread(target=self.open_browser, args=[self._consent_url()], daemon=True).start()
            callback = server.wait(self.timeout_s)
        create_private(file.parent)
        token = self._redeem(self._code(callback))
        content = {"client_id": self.app.spotify_client_id, "refresh_token": token}
        write_private(file, json.dumps(content) + "\n")

    def _consent_url(self) -> str:
        digest = hashlib.sha256(self._verifier.encode()).digest()
        parameters = {
            "client_id": self.app.spotify_client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": SCOPES,
            "state": self._state,
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        }
        return f"{self.app.spotify_authorize_url}?{urlencode(parameters)}"

    def _code(self, callback: dict[str, str] | None) -> str:
        if callback is None:
            raise LoginFailure(f"No answer from Spotify within {self.timeout_s / 60:.0f} minutes.")
        if not secrets.compare_digest(callback.get("state", "").encode(), self._state.encode()):
            raise LoginFailure("The answer belongs to another login. Run the command again.")
        if "code" not in callback:
            raise LoginFailure(f"Spotify refused: {escape(callback.get('error', 'no reason given'))}")
        return callback["code"]

    def _redeem(self, code: str) -> str:
        app, form = self.app, {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        form["code_verifier"] = self._verifier
        secret = app.spotify_client_secret
        credentials = (app.spotify_client_id, secret.get_secret_value()) if secret else None
        if credentials is None:
            form["client_id"] = app.spotify_client_id
        try:
            response = httpx.post(app.spotify_token_url, data=form, auth=credentials, timeout=30)
        except httpx.HTTPError as error:
            raise LoginFailure(f"{app.spotify_token_url} does not respond: {escape(error)}") from error
        try:
            return _Tokens.model_validate_json(response.content).refresh_token
        except ValidationError:
            raise LoginFailure(f"Spotify sent no token: {escape(_reason(response))}") from None


class _CallbackServer(HTTPServer):
    """Waits for the browser to return from Spotify."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.query: dict[str, str] | None = None
        super().__init__(address, _CallbackHandler)
        self.timeout = _POLL_S

    def wait(self, timeout_s: float) -> dict[str, str] | None:
        """Return the parameters with which the browser returned, or None after the timeout."""
        attempts = max(1, round(timeout_s / _POLL_S))
        while self.query is None and attempts:
            self.handle_request()
            attempts -= 1
        return self.query


class _CallbackHandler(BaseHTTPRequestHandler):
    server: _CallbackServer
    timeout = 5

    def do_GET(self) -> None:
        """Take Spotify's answer; browsers request other pages as well."""
        parts = urlsplit(self.path)
        if parts.path != "/callback":
            self.send_error(404)
            return
        self.server.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        granted = "code" in self.server.query
        text = (
            "Soundalike can now read your library. You can close this window." if granted else "Access was not granted."
        )
        body = f"<!doctype html><title>Soundalike</title><p>{html.escape(text)}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        # The URL holds the code.
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the line would hold the code."""


def _reason(response: httpx.Response) -> str:
    try:
        error = _TokenError.model_validate_json(response.content)
    except ValidationError:
        return f"status {response.status_code}"
    return f"{error.error} {error.error_description}".strip()
