"""Error responses of the API: problem details in JSON (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final, NamedTuple

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from soundalike.api.errors import ApiError
from soundalike.db.api_keys import Scope as KeyScope
from soundalike.db.tracks import State
from soundalike.domain.text import escape_json
from soundalike.logs import current_fields

MEDIA_TYPE: Final = "application/problem+json"
_TYPES: Final = "urn:soundalike:problem:"
_SHORT_RETRY_S: Final = 2
_RETRY_AFTER_S: Final = {State.QUEUED: 5, State.PENDING: 60, State.READY: _SHORT_RETRY_S}
REQUEST_ID: Final = "request_id"
KEYS_HINT: Final = (
    "The operator of the API makes keys: `soundalike keys add`, in a container `python -m soundalike.api keys add`; "
    "with `--write` a key may write as well"
)
_CHALLENGE: Final = 'Bearer realm="soundalike"'
CRAWL_HINT: Final = "make crawl PLAYLIST=<url|uri|id> or make crawl FOLDER=<path>"


class ProblemDetails(BaseModel):
    """RFC 9457: `type` names the kind of problem, `title` is its summary, `detail` what happened and what to do."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=[f"{_TYPES}unknown-track"])]
    title: Annotated[str, Field(examples=["Unknown track"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=[f"the catalogue does not know it; crawl it: {CRAWL_HINT}"])]
    request_id: Annotated[
        str | None, Field(description="The X-Request-ID of the response; the log lines of this request carry it")
    ] = None


class _EscapedJsonResponse(JSONResponse):
    """JSON that a terminal can show: a detail quotes what was sent, a reason what a service replied."""

    def render(self, content: object) -> bytes:
        """Return the document."""
        return escape_json(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))).encode()


class Kind(NamedTuple):
    """What all problems of a kind have in common: the end of their `type`, their `title` and their `status`."""

    name: str
    title: str
    status: HTTPStatus


_UNKNOWN_TRACK: Final = Kind("unknown-track", "Unknown track", HTTPStatus.NOT_FOUND)
_UNKNOWN_USER: Final = Kind("unknown-user", "Unknown account", HTTPStatus.NOT_FOUND)
_UNKNOWN_PLAYLIST: Final = Kind("unknown-playlist", "Unknown playlist", HTTPStatus.NOT_FOUND)
_UNPARSABLE_TRACK: Final = Kind("unparsable-track", "Not a track", HTTPStatus.UNPROCESSABLE_ENTITY)
_UNPARSABLE_USER: Final = Kind("unparsable-user", "Not an account", HTTPStatus.UNPROCESSABLE_ENTITY)
_UNPARSABLE_PLAYLIST: Final = Kind("unparsable-playlist", "Not a playlist", HTTPStatus.UNPROCESSABLE_ENTITY)
_NOT_READY: Final = Kind("not-ready", "Track is not ready yet", HTTPStatus.SERVICE_UNAVAILABLE)
_NOT_RECOMMENDABLE: Final = Kind("not-recommendable", "Track has no embedding", HTTPStatus.NOT_FOUND)
_PLAYLIST_NOT_READY: Final = Kind("playlist-not-ready", "No track of the playlist is ready", HTTPStatus.NOT_FOUND)
_NO_TASTE_DATA: Final = Kind("no-taste", "Not enough favourites", HTTPStatus.NOT_FOUND)
_FORGOTTEN: Final = Kind("forgotten", "Track was removed", HTTPStatus.GONE)
_NOT_FETCHABLE: Final = Kind("not-fetchable", "Track cannot be fetched", HTTPStatus.UNPROCESSABLE_ENTITY)
_UNKNOWN_CRAWL: Final = Kind("unknown-crawl", "Unknown crawl", HTTPStatus.NOT_FOUND)
_UNKNOWN_LIBRARY: Final = Kind("unknown-library", "Unknown library", HTTPStatus.NOT_FOUND)
_NO_CRAWL_TARGET: Final = Kind("no-crawl-target", "Nothing to crawl", HTTPStatus.UNPROCESSABLE_ENTITY)
_FOLDER_REFUSED: Final = Kind("folder-refused", "Folders only from this machine", HTTPStatus.FORBIDDEN)
_LIST_FORGOTTEN: Final = Kind("forgotten-list", "List was removed", HTTPStatus.GONE)
_TOO_MANY_CRAWLS: Final = Kind("too-many-crawls", "Too many crawls wait", HTTPStatus.SERVICE_UNAVAILABLE)
_TOO_MANY_LISTENERS: Final = Kind("too-many-listeners", "Too many watch the status", HTTPStatus.SERVICE_UNAVAILABLE)
_NOT_AUDIO: Final = Kind("not-audio", "Content type is not audio", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_UPLOAD_TOO_LARGE: Final = Kind("recording-too-large", "Audio file too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_UPLOAD_TOO_SLOW: Final = Kind("upload-too-slow", "Upload timed out", HTTPStatus.REQUEST_TIMEOUT)
_UPLOAD_REJECTED: Final = Kind("recording-refused", "Audio cannot be analysed", HTTPStatus.UNPROCESSABLE_ENTITY)
_EXTRACTOR_UNAVAILABLE: Final = Kind("nobody-listens", "No extractor available", HTTPStatus.SERVICE_UNAVAILABLE)
_TOO_MANY_UPLOADS: Final = Kind("too-many-recordings", "Too many uploads at once", HTTPStatus.SERVICE_UNAVAILABLE)
_INVALID_REQUEST: Final = Kind("invalid-request", "Invalid request", HTTPStatus.UNPROCESSABLE_ENTITY)
_NOT_SERVING: Final = Kind("not-serving", "Service not ready", HTTPStatus.SERVICE_UNAVAILABLE)
_KEY_REQUIRED: Final = Kind("key-wanted", "API key required", HTTPStatus.UNAUTHORIZED)
_WRITE_SCOPE_REQUIRED: Final = Kind("key-too-weak", "API key is read-only", HTTPStatus.FORBIDDEN)
_INVALID_LINK: Final = Kind("invalid-link", "Link is not valid", HTTPStatus.FORBIDDEN)
_CROSS_ORIGIN_REQUEST: Final = Kind("foreign-page", "Cross-origin request refused", HTTPStatus.FORBIDDEN)
_RATE_LIMIT_EXCEEDED: Final = Kind("too-many-calls", "Rate limit exceeded", HTTPStatus.TOO_MANY_REQUESTS)
_UNKNOWN_HOST: Final = Kind("unknown-host", "Unknown host name", HTTPStatus.MISDIRECTED_REQUEST)
_DEADLINE_EXCEEDED: Final = Kind("deadline-exceeded", "Request took too long", HTTPStatus.SERVICE_UNAVAILABLE)
_INTERNAL: Final = Kind("internal", "Internal error", HTTPStatus.INTERNAL_SERVER_ERROR)

_STATE_DETAILS: Final = {
    State.PENDING: "the preview of {urn} has not been fetched yet; if no crawl is running, start one: " + CRAWL_HINT,
    State.QUEUED: "{urn} is waiting for the extractor; try again in a few seconds",
    State.READY: "{urn} is being moved to another model; try again in a few seconds",
    State.NO_PREVIEW: "no service has a preview of {urn}, so it has no embedding; another release may have one",
    State.REJECTED: "the preview of {urn} cannot be used; another release of it may work",
    State.FORGOTTEN: "{urn} was removed from the catalogue on request",
    State.GONE: "the file of {urn} lies in none of the scanned folders any more; where it is back, crawl its folder: "
    "make crawl FOLDER=<path>",
}


class Problem(ApiError):
    """An error response; `extra` are members of its own, `retry_after_s` is when to try again."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.kind, self.title, self.status = kind
        self.body: dict[str, object] = {
            "type": _TYPES + self.kind,
            "title": self.title,
            "status": self.status.value,
            "detail": detail,
            **extra,
        }
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)

    def response(self) -> JSONResponse:
        """Return the HTTP response; it names the request, as the log does."""
        body = {**self.body, **{name: value for name, value in current_fields().items() if name == REQUEST_ID}}
        return _EscapedJsonResponse(body, self.status, self.headers, media_type=MEDIA_TYPE)


def unknown_track(urn: str) -> Problem:
    """Report that the catalogue does not hold a track, and how to add it."""
    remedy = f"crawl a playlist or a folder that holds it: {CRAWL_HINT}"
    return Problem(_UNKNOWN_TRACK, f"the catalogue does not know {urn}; {remedy}", track=urn)


def unknown_user(urn: str) -> Problem:
    """Report that no crawl has reached an account, and how to reach it."""
    remedy = "crawl it: make crawl SOUNDCLOUD=<address of its profile>"
    return Problem(_UNKNOWN_USER, f"the catalogue does not know {urn}; {remedy}", user=urn)


def unknown_playlist(urn: str) -> Problem:
    """Report that a playlist was never crawled, and how to crawl it."""
    return Problem(_UNKNOWN_PLAYLIST, f"the catalogue does not know {urn}; crawl it: {CRAWL_HINT}", playlist=urn)


def unparsable_track(detail: str) -> Problem:
    """Report that a text names no track; `detail` lists the accepted forms."""
    return Problem(_UNPARSABLE_TRACK, detail)


def unparsable_user(detail: str) -> Problem:
    """Report that a text names no account; `detail` lists the accepted forms."""
    return Problem(_UNPARSABLE_USER, detail)


def unparsable_playlist(detail: str) -> Problem:
    """Report that a text names no playlist; `detail` lists the accepted forms."""
    return Problem(_UNPARSABLE_PLAYLIST, detail)


def not_ready(urn: str, state: State, reason: str | None) -> Problem:
    """Report that a known track cannot be compared: 503 where waiting helps, 404 where it does not."""
    kind = _NOT_READY if state in _RETRY_AFTER_S else _NOT_RECOMMENDABLE
    detail = _STATE_DETAILS[state].format(urn=urn) + (f" (reason: {reason})" if reason else "")
    return Problem(kind, detail, retry_after_s=_RETRY_AFTER_S.get(state), track=urn, state=state.value, reason=reason)


def playlist_not_ready(urn: str, states: Mapping[State, int]) -> Problem:
    """Report that no track of a playlist can be compared: 503 where waiting helps, 404 where it does not."""
    counts = {state.value: count for state, count in states.items()}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items()) or "it is empty"
    wait_s = min((_RETRY_AFTER_S[state] for state in states if state in _RETRY_AFTER_S), default=None)
    kind = _PLAYLIST_NOT_READY if wait_s is None else _PLAYLIST_NOT_READY._replace(status=_NOT_READY.status)
    detail = f"no track of {urn} is ready: {listed}"
    return Problem(kind, detail, retry_after_s=wait_s, playlist=urn, states=counts)


def no_taste_data(urn: str, remedy: str) -> Problem:
    """Report that too few favourites are known of a track or a user."""
    detail = f"too few favourites are known to recommend for {urn} by taste; {remedy}"
    return Problem(_NO_TASTE_DATA, detail, subject=urn)


def forgotten(urn: str) -> Problem:
    """Report that a track was removed on request, so it cannot be requested either."""
    detail = _STATE_DETAILS[State.FORGOTTEN].format(urn=urn) + " and cannot be added again"
    return Problem(_FORGOTTEN, detail, track=urn, state=State.FORGOTTEN.value)


def not_fetchable(detail: str) -> Problem:
    """Report that no crawler can fetch a track by its id, and what to do instead."""
    return Problem(_NOT_FETCHABLE, detail)


def unknown_crawl(crawl_id: int) -> Problem:
    """Report that there is no crawl with an id."""
    return Problem(_UNKNOWN_CRAWL, f"there is no crawl {crawl_id}; `GET /status` lists the newest", crawl=crawl_id)


def unknown_library(library: int) -> Problem:
    """Report that there is no library with an id."""
    detail = f"there is no library {library}; `GET /status` lists them, and `soundalike library add` makes one"
    return Problem(_UNKNOWN_LIBRARY, detail, library=library)


def no_crawl_target(detail: str) -> Problem:
    """Report that a text names nothing that can be crawled; `detail` says what is accepted."""
    return Problem(_NO_CRAWL_TARGET, detail)


def folder_refused() -> Problem:
    """Report that only the person at this machine may name a folder."""
    detail = (
        "a folder can be named only at the machine itself: on its own page, or with `soundalike crawl --folder`. "
        "From elsewhere name a library by its id"
    )
    return Problem(_FOLDER_REFUSED, detail)


def list_forgotten(urn: str) -> Problem:
    """Report that a list was removed on request, so it cannot be crawled again."""
    return Problem(_LIST_FORGOTTEN, f"{urn} was removed on request and cannot be crawled again", playlist=urn)


def too_many_crawls(detail: str) -> Problem:
    """Report that as many crawls wait as may."""
    remedy = "wait until some have ended, or stop some"
    return Problem(_TOO_MANY_CRAWLS, f"{detail}; {remedy}", retry_after_s=_RETRY_AFTER_S[State.PENDING])


def too_many_listeners(detail: str) -> Problem:
    """Report that as many follow the status as may."""
    remedy = "ask `GET /status` in place of it, or try again later"
    return Problem(_TOO_MANY_LISTENERS, f"{detail}; {remedy}", retry_after_s=_RETRY_AFTER_S[State.QUEUED])


def not_audio(content_type: str) -> Problem:
    """Report that the content type of a body is not audio, and how to send a file."""
    detail = (
        f"the content type is {content_type or 'missing'}; send the audio file itself, not a form, with "
        "the content type audio/… or application/octet-stream: "
        "curl --data-binary @song.mp3 -H 'Content-Type: audio/mpeg' <address>"
    )
    return Problem(_NOT_AUDIO, detail, headers={"Accept-Post": "audio/*, application/octet-stream"})


def upload_too_large(max_bytes: int) -> Problem:
    """Report that an audio file is too large, and what to send instead."""
    detail = (
        f"the limit is {max_bytes} bytes; send a part of the recording (half a minute is enough) or a compressed file "
        "(mp3, ogg, m4a)"
    )
    return Problem(_UPLOAD_TOO_LARGE, detail, largest_bytes=max_bytes)


def upload_too_slow(limit_s: int, least_bytes_per_s: int) -> Problem:
    """Report that an audio file took too long to arrive."""
    detail = (
        f"the file has to arrive within {limit_s} s and at {least_bytes_per_s // 1000} kB/s or more; send a shorter or "
        "compressed file (half a minute is enough)"
    )
    return Problem(_UPLOAD_TOO_SLOW, detail)


def upload_rejected(reason: str) -> Problem:
    """Report why an audio file cannot be analysed."""
    return Problem(_UPLOAD_REJECTED, reason)


def extractor_unavailable(detail: str) -> Problem:
    """Report that no extractor has answered; the uploaded file was deleted."""
    remedy = "either none is running or all are busy. The file was deleted; send it again later"
    return Problem(_EXTRACTOR_UNAVAILABLE, f"{detail}; {remedy}", retry_after_s=_RETRY_AFTER_S[State.PENDING] // 2)


def too_many_uploads(detail: str) -> Problem:
    """Report that as many uploads as are allowed are in progress."""
    return Problem(_TOO_MANY_UPLOADS, f"{detail}; send it again in a few seconds", retry_after_s=_SHORT_RETRY_S)


def invalid_request(errors: list[dict[str, str]]) -> Problem:
    """Report invalid parameters; every error has `parameter` and `message`."""
    detail = "; ".join(f"{each['parameter']}: {each['message']}" for each in errors)
    return Problem(_INVALID_REQUEST, detail, errors=errors)


def not_serving(missing: Mapping[str, str]) -> Problem:
    """Report what is missing before requests can be answered, with a message for each part."""
    return Problem(_NOT_SERVING, "; ".join(missing.values()), retry_after_s=_SHORT_RETRY_S, missing=dict(missing))


def key_required(scope: KeyScope, *, key_sent: bool, local: bool = False) -> Problem:
    """Report that a request needs a key, or (`key_sent`) that its key is not valid.

    `local` says that it would need none from this machine itself.
    """
    required = f"this request needs a key that may {scope.value}"
    if local:
        required += ", unless it comes from this machine itself: to localhost, and not through a proxy or a web page"
    detail = "the key is unknown, expired or revoked" if key_sent else required
    challenge = _CHALLENGE + (', error="invalid_token"' if key_sent else "")
    return Problem(
        _KEY_REQUIRED,
        f"{detail}; send `Authorization: Bearer <key>`. {KEYS_HINT}",
        headers={"WWW-Authenticate": challenge},
    )


def write_scope_required() -> Problem:
    """Report that a key may only read."""
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="write"'
    detail = f"this request needs a key that may write. {KEYS_HINT}"
    return Problem(_WRITE_SCOPE_REQUIRED, detail, headers={"WWW-Authenticate": challenge})


def invalid_link(detail: str) -> Problem:
    """Report that the signature of a link lets nobody in."""
    return Problem(_INVALID_LINK, f"{detail}; ask for a new link, with a key")


def cross_origin_request() -> Problem:
    """Report that a web page of another origin tried to write."""
    detail = "web pages of other origins may not write; to allow one, add it to CORS_ORIGINS in the settings of the API"
    return Problem(_CROSS_ORIGIN_REQUEST, detail)


def rate_limit_exceeded(per_minute: int, wait_s: int) -> Problem:
    """Report that the holder of a key has used up the writes of this minute, and when the next one is free."""
    detail = f"the limit is {per_minute} writes a minute for the holder of this key; try again in {wait_s} s"
    return Problem(_RATE_LIMIT_EXCEEDED, detail, retry_after_s=wait_s)


def unknown_host(name: str) -> Problem:
    """Report that a request calls the API by a name that is not its own, as a web page does that rebinds its name."""
    detail = (
        f"the API does not answer under the name {name}; call it by its IP address or as localhost, or add the name to "
        "API_ALLOWED_HOSTS in its settings"
    )
    return Problem(_UNKNOWN_HOST, detail)


def deadline_exceeded(limit_s: float) -> Problem:
    """Report that a request was stopped because it took too long."""
    detail = f"the request was not answered within {limit_s:g} s and was stopped; try again in a few seconds"
    return Problem(_DEADLINE_EXCEEDED, detail, retry_after_s=_RETRY_AFTER_S[State.QUEUED])


def internal_error() -> Problem:
    """Report that the program failed, without saying how."""
    return Problem(_INTERNAL, "the server failed to handle the request; its log has the details under this request id")


def http(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Report an error of HTTP itself: no such address, no such method, or a body too large."""
    known = HTTPStatus(status)
    detail = f"{known.description or known.phrase}; see /docs"
    return Problem(Kind("http", known.phrase, known), detail, headers=headers)
