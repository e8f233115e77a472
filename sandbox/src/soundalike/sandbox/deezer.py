"""The part of Deezer's public API that we use; errors come with status 200, as Deezer sends them."""

import re
from dataclasses import dataclass, field
from typing import Final, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from soundalike.sandbox.composer import Previews, add_title_tag
from soundalike.sandbox.deezer_catalogue import DeezerCatalogue, Row
from soundalike.sandbox.deezer_replies import DeezerReplies, Reply
from soundalike.sandbox.quota import Quota
from soundalike.sandbox.signed_urls import Signer

T = TypeVar("T")

_PREVIEW: Final = re.compile(r"/api/1/1/(?:[0-9a-f]/){4}0/[0-9a-f]{32}-(\d{1,18})\.mp3")
_MAX_ROWS: Final = 100
_DEFAULT_ROWS: Final = 25


@dataclass
class Deezer:
    """The catalogue, the signer of preview URLs, and the quota (None: no limit)."""

    catalogue: DeezerCatalogue = field(default_factory=DeezerCatalogue)
    signer: Signer = field(default_factory=Signer)
    quota: Quota | None = field(default_factory=lambda: Quota(50, 5.0))


class DeezerError(Exception):
    """An error reply of Deezer."""

    def __init__(self, kind: str, message: str, code: int | None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code

    def body(self) -> Reply:
        """Return the body."""
        error: Reply = {"type": self.kind, "message": self.message}
        return {"error": error if self.code is None else {**error, "code": self.code}}


def deezer_api(deezer: Deezer, previews: Previews) -> APIRouter:
    """Return the routes below `/deezer`."""
    router = APIRouter(prefix="/deezer")

    @router.get("/preview/{path:path}")
    def preview(request: Request, path: str) -> Response:
        match = _PREVIEW.fullmatch(f"/{path}")
        if not deezer.signer.allows(f"/{path}", request.url.query):
            return Response("Access Denied", 403)
        track = deezer.catalogue.track(int(match[1])) if match else None
        if track is None:
            return Response("Not Found", 404)
        audio = previews.mp3(track.piece)
        return Response(audio if track.take is None else add_title_tag(audio, track.title), media_type="audio/mpeg")

    @router.get("/{path:path}")
    def api(request: Request, path: str) -> JSONResponse:
        try:
            return JSONResponse(_reply(deezer, request, path))
        except DeezerError as error:
            return JSONResponse(error.body())

    @router.post("/_expire-previews", status_code=204)
    def expire_previews() -> None:
        deezer.signer.expire_all()

    return router


def _reply(deezer: Deezer, request: Request, path: str) -> Reply:
    if deezer.quota is not None and not deezer.quota.take():
        raise DeezerError("Exception", "Quota limit exceeded", 4)
    replies = DeezerReplies(f"{request.base_url}deezer/", deezer.signer)
    match path.strip("/").split("/"):
        case ["search"]:
            return _search(deezer.catalogue, request, replies)
        case ["track", key]:
            track = (
                deezer.catalogue.by_isrc(key[5:]) if key.startswith("isrc:") else deezer.catalogue.track(_number(key))
            )
            return replies.track(_require(track))
        case ["playlist" | "album" | "artist" as kind, key]:
            return _metadata(kind, _number(key), deezer.catalogue, replies)
        case ["playlist" | "album", key, "tracks"] | ["artist", key, "top"]:
            return _rows(path, _number(key), deezer.catalogue, request, replies)
        case ["episode", _]:
            raise DeezerError("Exception", "An error has occured", None)
    raise DeezerError("InvalidQueryException", f"Unknown path components : /{path}", 600)


def _metadata(kind: str, key: int, catalogue: DeezerCatalogue, replies: DeezerReplies) -> Reply:
    match kind:
        case "playlist":
            title, checksum, rows = _require(catalogue.playlist(key))
            metadata = {"id": key, "title": title, "checksum": checksum, "nb_tracks": len(rows), "public": True}
            return {**metadata, "type": "playlist"}
        case "album":
            title, artist, tracks = _require(catalogue.album(key))
            return {**replies.album(title, key), "artist": replies.artist(artist), "nb_tracks": len(tracks)}
        case _:
            return replies.artist(_require(catalogue.artist(key))[0])


def _rows(path: str, key: int, catalogue: DeezerCatalogue, request: Request, replies: DeezerReplies) -> Reply:
    match path.partition("/")[0]:
        case "playlist":
            _, checksum, rows = _require(catalogue.playlist(key))
            return _page(request, replies, path, rows) | {"checksum": checksum}
        case "album":
            return _page(request, replies, path, tuple(_require(catalogue.album(key))[2]), with_isrc=True)
        case _:
            return _page(request, replies, path, tuple(_require(catalogue.artist(key))[1]))


def _search(catalogue: DeezerCatalogue, request: Request, replies: DeezerReplies) -> Reply:
    query = request.query_params.get("q", "")
    if not query:
        raise DeezerError("MissingParameterException", "Missing parameters: q", 501)
    return _page(request, replies, "search", tuple(catalogue.search(query)))


def _page(
    request: Request, replies: DeezerReplies, path: str, rows: tuple[Row, ...], *, with_isrc: bool = False
) -> Reply:
    index = _count_parameter(request, "index", 0)
    limit = min(_count_parameter(request, "limit", _DEFAULT_ROWS), _MAX_ROWS)
    page = [replies.row(row, with_isrc=with_isrc) for row in rows[index : index + limit]]
    return replies.page(f"{path}?limit={limit}&", page, len(rows), index)


def _count_parameter(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or len(text) > 9:
        raise DeezerError("ParameterException", f"Wrong parameter: {name}", 500)
    return int(text)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else -1


def _require(value: T | None) -> T:
    if value is None:
        raise DeezerError("DataException", "no data", 800)
    return value
