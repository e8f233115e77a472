"""The accounts service: consent (granted unless a test denies it), codes and tokens."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from soundalike.sandbox.access_tokens import SCOPES, Consent
from soundalike.sandbox.spotify_errors import GrantError

if TYPE_CHECKING:
    from soundalike.sandbox.settings import SandboxSettings
    from soundalike.sandbox.state import Sandbox

# Since November 2025 `localhost` is refused, and http is for the loopback address only.
_REDIRECT: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:\d+)?/.*|https://.+")


@dataclass(frozen=True)
class _ClientCredentials:
    """The client: an app with its secret, or one that only gives its id and relies on PKCE."""

    with_secret: bool


def accounts(sandbox: "Sandbox") -> APIRouter:
    """Return the routes of consent and tokens."""
    router = APIRouter()
    settings = sandbox.settings

    @router.get("/authorize")
    def authorize(
        client_id: str,
        redirect_uri: str,
        response_type: str,
        scope: str = "",
        state: str | None = None,
        code_challenge: str | None = None,
        code_challenge_method: str | None = None,
    ) -> RedirectResponse:
        if client_id != settings.client_id or response_type != "code":
            raise GrantError("invalid_client", "INVALID_CLIENT: Invalid client")
        if not _REDIRECT.fullmatch(redirect_uri):
            raise GrantError("invalid_client", "INVALID_CLIENT: Insecure redirect URI")
        if code_challenge is not None and code_challenge_method != "S256":
            raise GrantError("invalid_request", "code_challenge_method must be S256")
        answer = {"state": state} if state is not None else {}
        if sandbox.grants.deny:
            answer["error"] = "access_denied"
        else:
            scopes = frozenset(scope.split()) & SCOPES
            answer["code"] = sandbox.grants.code_for(Consent(redirect_uri, scopes, code_challenge))
        return RedirectResponse(f"{redirect_uri}?{urlencode(answer)}", 303)

    @router.post("/api/token")
    def token(
        request: Request,
        grant_type: Annotated[str | None, Form()] = None,
        refresh_token: Annotated[str | None, Form()] = None,
        code: Annotated[str | None, Form()] = None,
        redirect_uri: Annotated[str | None, Form()] = None,
        client_id: Annotated[str | None, Form()] = None,
        code_verifier: Annotated[str | None, Form()] = None,
    ) -> dict[str, str | int]:
        client = _client(request.headers.get("authorization", ""), client_id, settings)
        match grant_type:
            case "client_credentials" if client.with_secret:
                return _token_reply(sandbox, frozenset())
            case "authorization_code":
                consent = sandbox.grants.redeem(code or "")
                if consent is None or consent.redirect_uri != redirect_uri:
                    raise GrantError("invalid_grant", "Invalid authorization code")
                if not consent.is_proven_by(code_verifier) or (consent.challenge is None and not client.with_secret):
                    raise GrantError("invalid_grant", "code_verifier was incorrect")
                reply = _token_reply(sandbox, consent.scopes)
                return reply | {"refresh_token": sandbox.grants.refresh_token_for(consent.scopes)}
            case "refresh_token":
                scopes = sandbox.grants.refreshable_scopes(refresh_token or "")
                if scopes is None:
                    raise GrantError("invalid_grant", "Invalid refresh token")
                reply = _token_reply(sandbox, scopes)
                if client.with_secret:
                    return reply
                # A client without a secret gets a new refresh token each time, and the old one becomes invalid.
                sandbox.grants.revoke(refresh_token or "")
                return reply | {"refresh_token": sandbox.grants.refresh_token_for(scopes)}
            case _:
                raise GrantError("unsupported_grant_type", f"grant_type {grant_type!r} is not supported")

    return router


def _token_reply(sandbox: "Sandbox", scopes: frozenset[str]) -> dict[str, str | int]:
    reply: dict[str, str | int] = {
        "access_token": sandbox.tokens.issue(scopes),
        "token_type": "Bearer",
        "expires_in": sandbox.tokens.lifetime,
    }
    return reply | {"scope": " ".join(sorted(scopes))} if scopes else reply


def _client(authorization: str, client_id: str | None, settings: "SandboxSettings") -> _ClientCredentials:
    if not authorization and client_id == settings.client_id:
        return _ClientCredentials(with_secret=False)
    scheme, _, credentials = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name = secret = ""
    if scheme.lower() != "basic" or name != settings.client_id:
        raise GrantError("invalid_client", "Invalid client")
    if not secrets.compare_digest(secret.encode(), settings.client_secret.encode()):
        raise GrantError("invalid_client", "Invalid client secret")
    return _ClientCredentials(with_secret=True)
