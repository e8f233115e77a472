"""The part of the Spotify Web API that we use, as a FastAPI application of our own.

Follows the OpenAPI description of 2026-05-30 and recorded replies; where these are silent, error texts are ours.
"""

import base64
import binascii
import re
import secrets
from dataclasses import asdict, dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Form, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from sandbox.composition import Previews, tagged
from sandbox.faults import Fault, Faults
from sandbox.fields import InvalidFields, select
from sandbox.interception import Interception
from sandbox.journal import Journal
from sandbox.playlists import Library, Playlist
from sandbox.replies import Replies, Reply
from sandbox.settings import PageShape, SandboxSettings
from sandbox.tokens import Tokens, TokenState

_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
_PREVIEW: Final = re.compile(r"[0-9a-f]{40}")


@dataclass
class Sandbox:
    """Everything a running sandbox holds; tests reach into it."""

    settings: SandboxSettings = field(default_factory=SandboxSettings)
    library: Library = field(default_factory=Library)
    previews: Previews = field(default_factory=Previews)
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.settings.token_lifetime)


class ApiError(Exception):
    """An error reply of the Web API: `{"error": {"status", "message"}}`."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class GrantError(Exception):
    """An error reply of the token endpoint: `{"error", "error_description"}` (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def create_app(sandbox: Sandbox) -> FastAPI:
    """Return the application that serves a sandbox."""
    app = FastAPI(title="Soundalike sandbox", docs_url=None, redoc_url=None)
    app.add_middleware(Interception, faults=sandbox.faults, journal=sandbox.journal)
    app.include_router(_accounts(sandbox))
    app.include_router(_web_api(sandbox))
    app.include_router(_audio(sandbox))
    app.include_router(_control(sandbox))
    _handle_errors(app)
    return app


def _accounts(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()
    settings = sandbox.settings

    @router.post("/api/token")
    def token(
        request: Request,
        grant_type: Annotated[str | None, Form()] = None,
        refresh_token: Annotated[str | None, Form()] = None,
    ) -> dict[str, str | int]:
        _check_client(request.headers.get("authorization", ""), settings)
        match grant_type:
            case "client_credentials":
                scope = ""
            case "refresh_token":
                if not secrets.compare_digest((refresh_token or "").encode(), settings.refresh_token.encode()):
                    raise GrantError("invalid_grant", "Invalid refresh token")
                scope = "playlist-read-private playlist-read-collaborative"
            case _:
                raise GrantError("unsupported_grant_type", f"grant_type {grant_type!r} is not supported")
        issued = sandbox.tokens.issue()
        reply: dict[str, str | int] = {
            "access_token": issued,
            "token_type": "Bearer",
            "expires_in": sandbox.tokens.lifetime,
        }
        return reply | {"scope": scope} if scope else reply

    return router


def _check_client(authorization: str, settings: SandboxSettings) -> None:
    scheme, _, credentials = authorization.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id = secret = ""
    if scheme.lower() != "basic" or client_id != settings.client_id:
        raise GrantError("invalid_client", "Invalid client")
    if not secrets.compare_digest(secret.encode(), settings.client_secret.encode()):
        raise GrantError("invalid_client", "Invalid client secret")


def _web_api(sandbox: Sandbox) -> APIRouter:
    def authorized(request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise ApiError(401, "No token provided", {"WWW-Authenticate": 'Bearer realm="spotify"'})
        state = sandbox.tokens.state(token) if scheme.lower() == "bearer" else TokenState.UNKNOWN
        if state is not TokenState.VALID:
            message = "The access token expired" if state is TokenState.EXPIRED else "Invalid access token"
            challenge = f'Bearer realm="spotify", error="invalid_token", error_description="{message}"'
            raise ApiError(401, message, {"WWW-Authenticate": challenge})

    router = APIRouter(prefix="/v1", dependencies=[Depends(authorized)])

    def replies(request: Request, shape: PageShape) -> Replies:
        return Replies(str(request.base_url), shape)

    def playlist_of(playlist_id: str) -> Playlist:
        playlist = sandbox.library.playlist(_checked_id(playlist_id))
        if playlist is None:
            raise ApiError(404, "Resource not found")
        return playlist

    def page(request: Request, playlist_id: str, resource: str, shape: PageShape, limit: int, offset: int) -> Reply:
        playlist = playlist_of(playlist_id)
        if not playlist.readable:
            raise ApiError(403, "Forbidden")
        options = {name: value for name, value in request.query_params.items() if name not in {"limit", "offset"}}
        reply = replies(request, shape).page(playlist, resource, limit, offset, options)
        return _selected(reply, options.get("fields"))

    @router.get("/playlists/{playlist_id}")
    def playlist(request: Request, playlist_id: str, fields: str | None = None) -> Reply:
        return _selected(replies(request, sandbox.settings.page_shape).playlist(playlist_of(playlist_id)), fields)

    @router.get("/playlists/{playlist_id}/items")
    def items(
        request: Request,
        playlist_id: str,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Reply:
        return page(request, playlist_id, "items", sandbox.settings.page_shape, limit, offset)

    @router.get("/playlists/{playlist_id}/tracks")
    def tracks(
        request: Request,
        playlist_id: str,
        limit: Annotated[int, Query(ge=1, le=100)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Reply:
        return page(request, playlist_id, "tracks", PageShape.TRACK, limit, offset)

    @router.get("/tracks/{track_id}")
    def track(request: Request, track_id: str) -> Reply:
        found = sandbox.library.track(_checked_id(track_id))
        if found is None:
            raise ApiError(404, "Resource not found")
        return replies(request, sandbox.settings.page_shape).track(found)

    return router


def _audio(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/mp3-preview/{preview}")
    def mp3(preview: str) -> Response:
        track = sandbox.library.previewed(preview) if _PREVIEW.fullmatch(preview) else None
        if track is None:
            raise ApiError(404, "Resource not found")
        audio = sandbox.previews.mp3(track.piece)
        return Response(audio if track.take is None else tagged(audio, track.title), media_type="audio/mpeg")

    @router.get("/track/{track_id}")
    def listen(request: Request, track_id: str) -> RedirectResponse:
        track = sandbox.library.track(track_id)
        if track is None or not track.preview:
            raise ApiError(404, "Resource not found")
        return RedirectResponse(f"{request.base_url}mp3-preview/{track.preview}")

    return router


def _control(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.post("/_sandbox/faults", status_code=201)
    def add_fault(fault: Fault) -> Fault:
        sandbox.faults.add(fault)
        return fault

    @router.delete("/_sandbox/faults", status_code=204)
    def clear_faults() -> None:
        sandbox.faults.clear()

    @router.get("/_sandbox/requests")
    def requests(path: str = "/") -> list[dict[str, str | int]]:
        return [asdict(request) for request in sandbox.journal.read(path)]

    @router.delete("/_sandbox/requests", status_code=204)
    def clear_requests() -> None:
        sandbox.journal.clear()

    @router.post("/_sandbox/expire-tokens", status_code=204)
    def expire_tokens() -> None:
        sandbox.tokens.expire_all()

    return router


def _checked_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ApiError(400, "Invalid base62 id")
    return text


def _selected(reply: Reply, fields: str | None) -> Reply:
    try:
        return select(reply, fields) if fields else reply
    except InvalidFields as error:
        raise ApiError(400, f"Invalid fields: {error}") from error


def _api_body(status: int, message: str) -> Reply:
    return {"error": {"status": status, "message": message}}


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def on_api_error(_: Request, error: ApiError) -> Response:
        return JSONResponse(_api_body(error.status, error.message), error.status, error.headers)

    @app.exception_handler(GrantError)
    async def on_grant_error(_: Request, error: GrantError) -> Response:
        return JSONResponse({"error": error.error, "error_description": error.description}, 400)

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> Response:
        return JSONResponse(_api_body(error.status_code, error.detail), error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(_: Request, error: RequestValidationError) -> Response:
        wrong = error.errors()[0]
        name = str(wrong["loc"][-1]) if wrong["loc"] else "request"
        return JSONResponse(_api_body(400, f"Invalid {name}: {wrong['msg']}"), 400)
