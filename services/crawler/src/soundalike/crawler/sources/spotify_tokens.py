"""Access tokens of Spotify: issued to the app or to its user, kept in memory, renewed before they expire."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from soundalike.crawler.spotify_credentials import SpotifyLogin, read_login
from soundalike.http.errors import ServiceUnavailable
from soundalike.http.token_reply import TokenReply
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    import requests

    from soundalike.crawler.settings import SpotifyAccess

TIMEOUT_S: Final = 15.0
_MARGIN_S: Final = 30.0


@dataclass(slots=True)
class SpotifyTokens:
    """An auth manager for spotipy; threads may share it.

    With a refresh token the requests are made as its user, without one as the app alone. A client without a
    secret gets another refresh token at each renewal, which goes into the file that the one before came from.
    """

    access: SpotifyAccess
    session: requests.Session
    _refresh_token: str | None = field(init=False, default=None, repr=False)
    _token: str = field(init=False, default="", repr=False)
    _expires_at: float = field(init=False, default=float("-inf"))
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        refresh_token = self.access.refresh_token
        self._refresh_token = refresh_token.get_secret_value() if refresh_token else None

    def get_access_token(self, as_dict: bool = False) -> str:  # noqa: ARG002 - as spotipy calls it
        """Return a token that is valid for some seconds at least; raises what the session's hooks raise."""
        with self._lock:
            if time.monotonic() >= self._expires_at:
                self._renew()
            return self._token

    def invalidate(self) -> None:
        """Request another token before the next request."""
        with self._lock:
            self._expires_at = float("-inf")

    def _renew(self) -> None:
        try:
            issued = TokenReply.model_validate(self._request())
        except ValidationError as error:
            raise ServiceUnavailable("Spotify does not answer: its token cannot be read") from error
        self._token = issued.access_token
        self._expires_at = time.monotonic() + max(0.0, issued.expires_in - _MARGIN_S)
        rotated = issued.refresh_token
        if rotated and rotated != self._refresh_token:
            self._refresh_token = rotated
            if self.access.token_file is not None:
                login = SpotifyLogin(client_id=self.access.client_id, refresh_token=rotated)
                write_private(self.access.token_file, json.dumps(login.model_dump()) + "\n")

    def _request(self) -> Any:
        access = self.access
        form = {"grant_type": "client_credentials"}
        if self._refresh_token is not None:
            # Another crawler may have renewed it since.
            current = read_login(access.token_file).refresh_token if access.token_file else self._refresh_token
            form = {"grant_type": "refresh_token", "refresh_token": current}
        if access.client_secret is None:
            return self._post(form | {"client_id": access.client_id}, None)
        return self._post(form, (access.client_id, access.client_secret.get_secret_value()))

    def _post(self, form: dict[str, str], credentials: tuple[str, str] | None) -> Any:
        response = self.session.post(
            self.access.token_url, data=form, auth=credentials, timeout=TIMEOUT_S, allow_redirects=False
        )
        return response.json()
