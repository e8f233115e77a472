"""The part of SoundCloud's API that we use, with its known quirks."""

import base64
import json
import re
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from soundalike.sandbox.access_tokens import Tokens, TokenState
from soundalike.sandbox.composer import Previews
from soundalike.sandbox.quota import Quota
from soundalike.sandbox.soundcloud_replies import Reply, SoundCloudReplies
from soundalike.sandbox.soundcloud_world import FIRST_TRACK, FIRST_USER, TasteWorld, WorldSize, make_world

_MAX_ROWS: Final = 200
_DEFAULT_ROWS: Final = 50
_NAME: Final = re.compile(r"(?:soundcloud:(?P<kind>users|tracks):)?(?P<number>\d{1,18})")
_USER_PAGE: Final = re.compile(r"/listener-(\d{1,9})/?")
_TRACK_PAGE: Final = re.compile(r"/listener-\d{1,9}/track-(\d{1,9})/?")
_INTERNAL_HOST: Final = "https://http.api.prod.api-public.srv.db.s-cloud.net/"


@dataclass(frozen=True)
class Quirks:
    """What goes wrong on purpose: pages shorter than the limit or empty, and URLs of internal hosts.

    With `repeated_rows` every row stands twice on its page beside a null, and the last one on the next page again.
    `users_with_cyclic_pages` are accounts (indexes in the world) whose pages of likes lead back to the first page.
    """

    short_pages: bool = True
    internal_hosts: bool = True
    repeated_rows: bool = False
    users_with_cyclic_pages: frozenset[int] = frozenset()


@dataclass
class SoundCloud:
    """A world with its tokens (lifetime in seconds), its quota (None: no limit) and its quirks."""

    size: WorldSize = field(default_factory=WorldSize)
    client_id: str = "sandbox"
    client_secret: str = "sandbox"  # noqa: S105 - guards nothing but invented people
    token_lifetime: int = 3599
    quota: Quota | None = None
    quirks: Quirks = field(default_factory=Quirks)
    tokens: Tokens = field(init=False)
    refresh_tokens: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.token_lifetime)

    @cached_property
    def world(self) -> TasteWorld:
        """The world, created on first use."""
        return make_world(self.size)


class SoundCloudError(Exception):
    """An error reply of SoundCloud."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> Response:
        """Return the response: the gateway's short form for 429, the API's long one otherwise."""
        if self.status == 429:
            return JSONResponse({"error": "Rate Limit Exceeded"}, 429)
        body = {
            "code": self.status,
            "message": self.message,
            "link": "https://developers.soundcloud.com/docs/api/explorer/open-api",
            "status": f"{self.status} - {self.message}",
            "errors": [{"error_message": self.message}],
            "error": None,
        }
        return JSONResponse(body, self.status)


def soundcloud_api(soundcloud: SoundCloud, previews: Previews) -> APIRouter:
    """Return the routes below `/soundcloud`."""
    router = APIRouter(prefix="/soundcloud")

    @router.post("/oauth/token")
    async def token(request: Request) -> Response:
        form = await request.form()
        return _token(soundcloud, request.headers.get("authorization", ""), {k: str(v) for k, v in form.items()})

    @router.get("/media/{track}.mp3")
    def media(track: int) -> Response:
        if not 0 <= track < soundcloud.size.tracks:
            return Response("Not Found", 404)
        return Response(previews.mp3(soundcloud.world.piece_of(track)), media_type="audio/mpeg")

    @router.get("/{path:path}")
    def api(request: Request, path: str) -> Response:
        try:
            _check(soundcloud, request.headers.get("authorization", ""))
            return _RequestHandler(soundcloud, request).response(path)
        except SoundCloudError as error:
            return error.response()

    return router


def _token(soundcloud: SoundCloud, authorization: str, form: dict[str, str]) -> Response:
    expected = base64.b64encode(f"{soundcloud.client_id}:{soundcloud.client_secret}".encode()).decode()
    if not secrets.compare_digest(authorization, f"Basic {expected}"):
        return JSONResponse({"error": "invalid_client"}, 401)
    if form.get("grant_type") == "refresh_token":
        # Each can be used once.
        if form.get("refresh_token") not in soundcloud.refresh_tokens:
            return JSONResponse({"error": "invalid_grant"}, 400)
        soundcloud.refresh_tokens.discard(form["refresh_token"])
    elif form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    refresh = secrets.token_urlsafe(24)
    soundcloud.refresh_tokens.add(refresh)
    content = {
        "access_token": soundcloud.tokens.issue(),
        "expires_in": soundcloud.token_lifetime,
        "refresh_token": refresh,
        "scope": "",
        "token_type": "bearer",
    }
    return JSONResponse(content)


def _check(soundcloud: SoundCloud, authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme != "OAuth" or soundcloud.tokens.state(token) is not TokenState.VALID:
        raise SoundCloudError(401, "Unauthorized")
    if soundcloud.quota is not None and not soundcloud.quota.take():
        raise SoundCloudError(429, "Too Many Requests")


class _RequestHandler:
    """Handles one request."""

    def __init__(self, soundcloud: SoundCloud, request: Request) -> None:
        self._soundcloud = soundcloud
        self._world = soundcloud.world
        self._base = f"{request.base_url}soundcloud/"
        self._query = request.query_params
        self._replies = SoundCloudReplies(self._world, self._base)

    def response(self, path: str) -> Response:  # noqa: PLR0911 - a return a route
        """Return the response; raises `SoundCloudError`."""
        match path.strip("/").split("/"):
            case ["resolve"]:
                return self._resolve()
            case ["users"]:
                return JSONResponse(
                    [
                        self._replies.user(user)
                        for user in self._requested_indexes("users")
                        if not self._world.is_deleted[user]
                    ]
                )
            case ["tracks"]:
                visible = [track for track in self._requested_indexes("tracks") if not self._world.is_private[track]]
                return JSONResponse([self._replies.track(track) for track in visible])
            case ["users", user]:
                return JSONResponse(self._replies.user(self._user(user)))
            case ["users", user, "likes", "tracks"]:
                index = self._user(user)
                return self._page(path, index, self._world.tracks_of[index].tolist(), self._replies.track)
            case ["tracks", track]:
                return JSONResponse(self._replies.track(self._track(track)))
            case ["tracks", track, "favoriters"]:
                index = self._track(track)
                return self._page(path, None, self._world.users_of[index].tolist(), self._replies.user)
            case ["tracks", track, "streams"]:
                return JSONResponse({"preview_mp3_128_url": f"{self._base}tracks/{track}/preview"})
            case ["tracks", track, "preview"]:
                index = self._track(track)
                return JSONResponse({"status": "302 - Found"}, 302, {"Location": f"{self._base}media/{index}.mp3"})
        raise SoundCloudError(404, "Not Found")

    def _resolve(self) -> Response:
        parts = urlsplit(self._query.get("url", ""))
        match = _USER_PAGE.fullmatch(parts.path)
        if match and int(match[1]) < self._world.size.users:
            location = f"{self._base}users/{FIRST_USER + int(match[1])}"
        elif (match := _TRACK_PAGE.fullmatch(parts.path)) and int(match[1]) < self._world.size.tracks:
            location = f"{self._base}tracks/soundcloud:tracks:{FIRST_TRACK + int(match[1])}"
        else:
            raise SoundCloudError(404, "Not Found")
        return JSONResponse({"status": "302 - Found", "location": location}, 302, {"Location": location})

    def _user(self, name: str) -> int:
        index = _index(name, "users", FIRST_USER, self._world.size.users)
        if index is None or self._world.is_deleted[index]:
            raise SoundCloudError(404, "Not Found")
        return index

    def _track(self, name: str) -> int:
        index = _index(name, "tracks", FIRST_TRACK, self._world.size.tracks)
        if index is None or self._world.is_private[index]:
            raise SoundCloudError(404, "Not Found")
        return index

    def _requested_indexes(self, kind: str) -> list[int]:
        first, count = (
            (FIRST_USER, self._world.size.users) if kind == "users" else (FIRST_TRACK, self._world.size.tracks)
        )
        indexes = [_index(name, kind, first, count) for name in self._query.get("urns", "").split(",") if name]
        return [index for index in indexes if index is not None][: self._limit()]

    def _limit(self) -> int:
        try:
            limit = int(self._query.get("limit") or self._query.get("page_size") or _DEFAULT_ROWS)
        except ValueError:
            raise SoundCloudError(400, "Bad Request") from None
        if not 1 <= limit <= _MAX_ROWS:
            raise SoundCloudError(400, "Bad Request")
        return limit

    def _page(self, path: str, user: int | None, rows: Sequence[int], render: Callable[[int], Reply]) -> Response:
        start, limit = _decode_cursor(self._query.get("cursor")), self._limit()
        if self._query.get("linked_partitioning") != "true":
            return JSONResponse([render(index) for index in rows[:limit]])
        end = start + self._length(path, limit)
        collection: list[Reply | None] = [render(index) for index in rows[start:end]]
        if self._soundcloud.quirks.repeated_rows:
            again = [render(index) for index in rows[max(start - 1, 0) : start]]
            collection = [entry for row in [*again, *collection] for entry in (row, None, row)]
        content: dict[str, Any] = {"collection": collection, "next_href": None}
        if user in self._soundcloud.quirks.users_with_cyclic_pages:
            content["next_href"] = self._next(path, limit, 0)
        elif end < len(rows):
            content["next_href"] = self._next(path, limit, end)
        return JSONResponse(content)

    def _length(self, path: str, limit: int) -> int:
        if not self._soundcloud.quirks.short_pages:
            return limit
        # Some first pages are empty, and every third is shorter than it could be.
        chance = zlib.crc32(f"{path}/{self._query.get('cursor')}".encode())
        if "cursor" not in self._query and chance % 5 == 0:
            return 0
        return limit - chance % (limit // 2 + 1) if chance % 3 == 0 else limit

    def _next(self, path: str, limit: int, start: int) -> str:
        inner = self._soundcloud.quirks.internal_hosts and zlib.crc32(f"{path}{start}".encode()) % 4 == 0
        query = urlencode({"cursor": _encode_cursor(start), "linked_partitioning": "true", "page_size": limit})
        return f"{_INTERNAL_HOST if inner else self._base}{path}?{query}"


def _index(name: str, kind: str, first: int, count: int) -> int | None:
    match = _NAME.fullmatch(name)
    if match is None or match["kind"] not in {None, kind}:
        return None
    index = int(match["number"]) - first
    return index if 0 <= index < count else None


def _encode_cursor(start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": start}).encode()).decode()


def _decode_cursor(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["after"])
    except (ValueError, KeyError, TypeError):
        raise SoundCloudError(400, "Bad Request") from None
