"""Errors as the API tells them: problem details in JSON (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final, NamedTuple

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from soundalike.api.errors import ApiError
from soundalike.db.api_keys import Scope as KeyScope
from soundalike.db.tracks import State
from soundalike.logs import bound_fields

MEDIA_TYPE: Final = "application/problem+json"
_TYPES: Final = "urn:soundalike:problem:"
_SHORT_RETRY_S: Final = 2
_RETRY_AFTER_S: Final = {State.QUEUED: 5, State.PENDING: 60, State.READY: _SHORT_RETRY_S}
REQUEST_ID: Final = "request_id"
KEYS_HINT: Final = (
    "Keys are made by whoever runs the API: `soundalike keys add`, in a container `python -m soundalike.api keys add`"
)
_CHALLENGE: Final = 'Bearer realm="soundalike"'
CRAWL_HINT: Final = "make crawl PLAYLIST=<url|uri|id> or make crawl FOLDER=<path>"


class ProblemDetails(BaseModel):
    """RFC 9457: `type` names the kind of problem, `title` says it shortly, `detail` says what to do about this one."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=[f"{_TYPES}unknown-track"])]
    title: Annotated[str, Field(examples=["Unknown track"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=[f"the catalogue does not know it; crawl it: {CRAWL_HINT}"])]
    request_id: Annotated[
        str | None, Field(description="The X-Request-ID of the answer, by which the log tells more")
    ] = None


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
_NOT_READY: Final = Kind("not-ready", "Track not ready yet", HTTPStatus.SERVICE_UNAVAILABLE)
_NOT_RECOMMENDABLE: Final = Kind("not-recommendable", "Track has no vector", HTTPStatus.NOT_FOUND)
_PLAYLIST_NOT_READY: Final = Kind("playlist-not-ready", "No track of the playlist is ready", HTTPStatus.NOT_FOUND)
_NO_TASTE_DATA: Final = Kind("no-taste", "Nothing to compare by", HTTPStatus.NOT_FOUND)
_FORGOTTEN: Final = Kind("forgotten", "Track was removed", HTTPStatus.GONE)
_NOT_FETCHABLE: Final = Kind("not-fetchable", "No crawler can fetch it", HTTPStatus.UNPROCESSABLE_ENTITY)
_NOT_AUDIO: Final = Kind("not-audio", "Not declared as audio", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_UPLOAD_TOO_LARGE: Final = Kind("recording-too-large", "Recording too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_UPLOAD_TOO_SLOW: Final = Kind("upload-too-slow", "Upload too slow", HTTPStatus.REQUEST_TIMEOUT)
_UPLOAD_REJECTED: Final = Kind("recording-refused", "Recording cannot be heard", HTTPStatus.UNPROCESSABLE_ENTITY)
_EXTRACTOR_UNAVAILABLE: Final = Kind("nobody-listens", "No extractor answers", HTTPStatus.SERVICE_UNAVAILABLE)
_TOO_MANY_UPLOADS: Final = Kind("too-many-recordings", "Too many recordings at once", HTTPStatus.SERVICE_UNAVAILABLE)
_INVALID_REQUEST: Final = Kind("invalid-request", "Invalid request", HTTPStatus.UNPROCESSABLE_ENTITY)
_NOT_SERVING: Final = Kind("not-serving", "Not ready to answer", HTTPStatus.SERVICE_UNAVAILABLE)
_KEY_REQUIRED: Final = Kind("key-wanted", "A key is needed", HTTPStatus.UNAUTHORIZED)
_WRITE_SCOPE_REQUIRED: Final = Kind("key-too-weak", "The key may only read", HTTPStatus.FORBIDDEN)
_CROSS_ORIGIN_REQUEST: Final = Kind("foreign-page", "Not from this page", HTTPStatus.FORBIDDEN)
_RATE_LIMIT_EXCEEDED: Final = Kind("too-many-calls", "Too many calls", HTTPStatus.TOO_MANY_REQUESTS)
_INTERNAL: Final = Kind("internal", "Internal error", HTTPStatus.INTERNAL_SERVER_ERROR)

_STATE_DETAILS: Final = {
    State.PENDING: "the preview of {urn} is still to be fetched; if no crawl is running, start one: " + CRAWL_HINT,
    State.QUEUED: "{urn} waits for the extractor; ask again in a few seconds",
    State.READY: "{urn} is being moved to another model; ask again in a few seconds",
    State.NO_PREVIEW: "nobody offers a preview of {urn}, so it was never heard; another release of it may have one",
    State.REJECTED: "the preview of {urn} cannot be used; another release of it may do",
    State.FORGOTTEN: "{urn} was removed from the catalogue on request",
}


class Problem(ApiError):
    """An answer that is an error; `extra` are members of its own, `retry_after_s` tells when to ask again."""

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
        """Return the HTTP answer; it names the request, as the log does."""
        body = {**self.body, **{name: value for name, value in bound_fields().items() if name == REQUEST_ID}}
        return JSONResponse(body, self.status, self.headers, media_type=MEDIA_TYPE)


def unknown_track(urn: str) -> Problem:
    """Say that the catalogue does not know a track, and how it gets to know it."""
    remedy = f"crawl a playlist or a folder that holds it: {CRAWL_HINT}"
    return Problem(_UNKNOWN_TRACK, f"the catalogue does not know {urn}; {remedy}", track=urn)


def unknown_user(urn: str) -> Problem:
    """Say that no walk came by an account, and how that is done."""
    remedy = "walk from it: make crawl SOUNDCLOUD=<address of its profile>"
    return Problem(_UNKNOWN_USER, f"the catalogue does not know {urn}; {remedy}", user=urn)


def unknown_playlist(urn: str) -> Problem:
    """Say that a playlist was never crawled, and how that is done."""
    return Problem(_UNKNOWN_PLAYLIST, f"the catalogue does not know {urn}; crawl it: {CRAWL_HINT}", playlist=urn)


def unparsable_track(detail: str) -> Problem:
    """Say that a text names no track, with the accepted forms in `detail`."""
    return Problem(_UNPARSABLE_TRACK, detail)


def unparsable_user(detail: str) -> Problem:
    """Say that a text names no account, with the accepted forms in `detail`."""
    return Problem(_UNPARSABLE_USER, detail)


def unparsable_playlist(detail: str) -> Problem:
    """Say that a text names no playlist, with the accepted forms in `detail`."""
    return Problem(_UNPARSABLE_PLAYLIST, detail)


def not_ready(urn: str, state: State, reason: str | None) -> Problem:
    """Say that a track is known but cannot be compared: 503 where waiting helps, 404 where it does not."""
    kind = _NOT_READY if state in _RETRY_AFTER_S else _NOT_RECOMMENDABLE
    detail = _STATE_DETAILS[state].format(urn=urn) + (f" (reason: {reason})" if reason else "")
    return Problem(kind, detail, retry_after_s=_RETRY_AFTER_S.get(state), track=urn, state=state.value, reason=reason)


def playlist_not_ready(urn: str, states: Mapping[State, int]) -> Problem:
    """Say that no track of a playlist can be compared: 503 where waiting helps, 404 where it does not."""
    counts = {state.value: count for state, count in states.items()}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items()) or "it is empty"
    wait_s = min((_RETRY_AFTER_S[state] for state in states if state in _RETRY_AFTER_S), default=None)
    kind = _PLAYLIST_NOT_READY if wait_s is None else _PLAYLIST_NOT_READY._replace(status=_NOT_READY.status)
    detail = f"no track of {urn} can be compared: {listed}"
    return Problem(kind, detail, retry_after_s=wait_s, playlist=urn, states=counts)


def no_taste_data(urn: str, remedy: str) -> Problem:
    """Say that nothing is known of what else is favourited beside a track, or by a user."""
    detail = f"too little is known of who favourites what to answer for {urn}; {remedy}"
    return Problem(_NO_TASTE_DATA, detail, subject=urn)


def forgotten(urn: str) -> Problem:
    """Say that a track was removed on request, so that it cannot be asked for either."""
    detail = _STATE_DETAILS[State.FORGOTTEN].format(urn=urn) + ", and stays out of it"
    return Problem(_FORGOTTEN, detail, track=urn, state=State.FORGOTTEN.value)


def not_fetchable(detail: str) -> Problem:
    """Say that no crawler can fetch a track by its id, and what to do instead."""
    return Problem(_NOT_FETCHABLE, detail)


def not_audio(content_type: str) -> Problem:
    """Say that a body is not declared as audio, and how to send one."""
    detail = (
        f"the body is sent as {content_type or 'nothing in particular'}; send the audio file itself, not a form, with "
        "its type, audio/… or application/octet-stream: "
        "curl --data-binary @song.mp3 -H 'Content-Type: audio/mpeg' <address>"
    )
    return Problem(_NOT_AUDIO, detail, headers={"Accept-Post": "audio/*, application/octet-stream"})


def upload_too_large(max_bytes: int) -> Problem:
    """Say that a recording is larger than what is taken, and what to send instead."""
    detail = (
        f"at most {max_bytes} bytes are taken; half a minute of it is all that is heard, so cut a passage out, or "
        "send it compressed (mp3, ogg, m4a)"
    )
    return Problem(_UPLOAD_TOO_LARGE, detail, largest_bytes=max_bytes)


def upload_too_slow(limit_s: int) -> Problem:
    """Say that a recording took too long to arrive."""
    remedy = "send a shorter or compressed one (half a minute is enough)"
    return Problem(_UPLOAD_TOO_SLOW, f"the recording did not arrive within {limit_s} s; {remedy}")


def upload_rejected(reason: str) -> Problem:
    """Say why a recording cannot be heard."""
    return Problem(_UPLOAD_REJECTED, reason)


def extractor_unavailable(detail: str) -> Problem:
    """Say that no extractor has answered; the recording was deleted."""
    remedy = "either none is running or all are busy. The recording was deleted: send it again later"
    return Problem(_EXTRACTOR_UNAVAILABLE, f"{detail}; {remedy}", retry_after_s=_RETRY_AFTER_S[State.PENDING] // 2)


def too_many_uploads(detail: str) -> Problem:
    """Say that a recording has to wait its turn."""
    return Problem(_TOO_MANY_UPLOADS, f"{detail}; send it again in a few seconds", retry_after_s=_SHORT_RETRY_S)


def invalid_request(errors: list[dict[str, str]]) -> Problem:
    """Say which parameters are wrong; every error has `parameter` and `message`."""
    detail = "; ".join(f"{each['parameter']}: {each['message']}" for each in errors)
    return Problem(_INVALID_REQUEST, detail, errors=errors)


def not_serving(missing: Mapping[str, str]) -> Problem:
    """Say what is missing before requests can be answered, by part."""
    return Problem(_NOT_SERVING, "; ".join(missing.values()), retry_after_s=_SHORT_RETRY_S, missing=dict(missing))


def key_required(scope: KeyScope, *, key_sent: bool) -> Problem:
    """Say that a call needs a key, or (`key_sent`) that what was shown is no valid one."""
    needed = f"this call needs a key that may {scope.value}"
    detail = "the key shown is unknown, expired or revoked" if key_sent else needed
    challenge = _CHALLENGE + (', error="invalid_token"' if key_sent else "")
    return Problem(
        _KEY_REQUIRED,
        f"{detail}; send `Authorization: Bearer <key>`. {KEYS_HINT}",
        headers={"WWW-Authenticate": challenge},
    )


def write_scope_required() -> Problem:
    """Say that a key may only read."""
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="write"'
    detail = f"this call needs a key that may write. {KEYS_HINT}"
    return Problem(_WRITE_SCOPE_REQUIRED, detail, headers={"WWW-Authenticate": challenge})


def cross_origin_request() -> Problem:
    """Say that a web page of another origin wanted to write."""
    detail = "a web page of another origin may not write here unless whoever runs the API names it in CORS_ORIGINS"
    return Problem(_CROSS_ORIGIN_REQUEST, detail)


def rate_limit_exceeded(per_minute: int, wait_s: int) -> Problem:
    """Say that a key's holder has used up the calls of this minute, and when the next one is free."""
    detail = f"the holder of this key may make {per_minute} writing calls a minute; ask again in {wait_s} s"
    return Problem(_RATE_LIMIT_EXCEEDED, detail, retry_after_s=wait_s)


def internal_error() -> Problem:
    """Say that the program is wrong, and nothing about how."""
    return Problem(_INTERNAL, "this is an error of the program; its log says more")


def http(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Say what HTTP itself has to say: there is no such address, method, or the body is too large."""
    known = HTTPStatus(status)
    detail = f"{known.description or known.phrase}; see /docs"
    return Problem(Kind("http", known.phrase, known), detail, headers=headers)
