"""The part of the Spotify Web API that we use, as a FastAPI application of our own.

Follows the OpenAPI description of 2026-05-30 and recorded replies; where these are silent, error texts are ours.
"""

import re
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse

from soundalike.sandbox.access_tokens import Bearer
from soundalike.sandbox.composer import add_title_tag
from soundalike.sandbox.deezer import deezer_api
from soundalike.sandbox.fault_injection import FaultInjection
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.fields import InvalidFields, select
from soundalike.sandbox.itunes import itunes_api
from soundalike.sandbox.playlists import Playlist
from soundalike.sandbox.settings import PageShape
from soundalike.sandbox.soundcloud import soundcloud_api
from soundalike.sandbox.spotify_accounts import accounts
from soundalike.sandbox.spotify_errors import ApiError, handle_errors
from soundalike.sandbox.spotify_library import library
from soundalike.sandbox.spotify_replies import Replies, Reply
from soundalike.sandbox.state import Sandbox

_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
_PREVIEW: Final = re.compile(r"[0-9a-f]{40}")


def create_app(sandbox: Sandbox) -> FastAPI:
    """Return the application that serves a sandbox."""
    app = FastAPI(title="Soundalike sandbox", docs_url=None, redoc_url=None)
    app.add_middleware(FaultInjection, faults=sandbox.faults, journal=sandbox.journal)
    app.include_router(accounts(sandbox))
    app.include_router(_web_api(sandbox))
    app.include_router(library(sandbox))
    app.include_router(_audio(sandbox))
    app.include_router(deezer_api(sandbox.deezer, sandbox.previews))
    app.include_router(itunes_api(sandbox.itunes, sandbox.previews))
    app.include_router(soundcloud_api(sandbox.soundcloud, sandbox.previews))
    app.include_router(_control(sandbox))
    handle_errors(app)
    return app


def _web_api(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/v1", dependencies=[Depends(Bearer(sandbox.tokens))])

    def replies(request: Request, shape: PageShape) -> Replies:
        return Replies(str(request.base_url), shape, sandbox.settings.offer_previews)

    def playlist_of(playlist_id: str) -> Playlist:
        playlist = sandbox.library.playlist(_validate_id(playlist_id))
        if playlist is None:
            raise ApiError(404, "Resource not found")
        return playlist

    def page(request: Request, playlist_id: str, resource: str, shape: PageShape, limit: int, offset: int) -> Reply:
        playlist = playlist_of(playlist_id)
        if not playlist.readable:
            raise ApiError(403, "Forbidden")
        options = {name: value for name, value in request.query_params.items() if name not in {"limit", "offset"}}
        reply = replies(request, shape).page(playlist, resource, limit, offset, options)
        return _apply_fields(reply, options.get("fields"))

    @router.get("/playlists/{playlist_id}")
    def playlist(request: Request, playlist_id: str, fields: str | None = None) -> Reply:
        return _apply_fields(replies(request, sandbox.settings.page_shape).playlist(playlist_of(playlist_id)), fields)

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
    def single_track(request: Request, track_id: str) -> Reply:
        track = sandbox.library.track(_validate_id(track_id))
        if track is None:
            raise ApiError(404, "Resource not found")
        return replies(request, sandbox.settings.page_shape).track(track)

    return router


def _audio(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/mp3-preview/{preview}")
    def mp3(preview: str) -> Response:
        track = sandbox.library.track_by_preview(preview) if _PREVIEW.fullmatch(preview) else None
        if track is None:
            raise ApiError(404, "Resource not found")
        audio = sandbox.previews.mp3(track.piece)
        return Response(audio if track.take is None else add_title_tag(audio, track.title), media_type="audio/mpeg")

    @router.get("/track/{track_id}")
    def track_page(request: Request, track_id: str) -> RedirectResponse:
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


def _validate_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ApiError(400, "Invalid base62 id")
    return text


def _apply_fields(reply: Reply, fields: str | None) -> Reply:
    try:
        return select(reply, fields) if fields else reply
    except InvalidFields as error:
        raise ApiError(400, f"Invalid fields: {error}") from error
