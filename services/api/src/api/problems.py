"""Errors as the API tells them: problem details in JSON (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.errors import ApiError
from catalog.api_keys import Scope as KeyScope
from catalog.logs import bound_fields
from catalog.tracks import State

MEDIA_TYPE: Final = "application/problem+json"
_TYPES: Final = "urn:soundalike:problem:"
_SOON_S: Final = 2
_WAIT_S: Final = {State.QUEUED: 5, State.FOUND: 60, State.READY: _SOON_S}
REQUEST_ID: Final = "request_id"
KEYS_HINT: Final = (
    "Keys are made by whoever runs the API: `soundalike keys add`, in a container `python -m api keys add`"
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


class Problem(ApiError):
    """An answer that is an error; `extra` are members of its own, `retry_after_s` tells when to ask again."""

    def __init__(
        self,
        kind: str,
        title: str,
        status: HTTPStatus,
        detail: str,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.kind, self.title, self.status = kind, title, status
        self.body: dict[str, object] = {
            "type": _TYPES + kind,
            "title": title,
            "status": status.value,
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
    return Problem(
        "unknown-track",
        "Unknown track",
        HTTPStatus.NOT_FOUND,
        f"the catalogue does not know {urn}; crawl a playlist or a folder that holds it: {CRAWL_HINT}",
        track=urn,
    )


def not_ready(urn: str, state: State, reason: str | None) -> Problem:
    """Say that a track is known but cannot be compared: 503 where waiting helps, 404 where it does not."""
    members: dict[str, Any] = {"track": urn, "state": state.value, "reason": reason}
    detail = _STANDING[state].format(urn=urn) + (f" (reason: {reason})" if reason else "")
    if state in _WAIT_S:
        return Problem(
            "not-ready",
            "Track not ready yet",
            HTTPStatus.SERVICE_UNAVAILABLE,
            detail,
            retry_after_s=_WAIT_S[state],
            **members,
        )
    return Problem(
        "not-recommendable",
        "Track has no vector",
        HTTPStatus.NOT_FOUND,
        detail,
        **members,
    )


_STANDING: Final = {
    State.FOUND: "the preview of {urn} is still to be fetched; if no crawl is running, start one: " + CRAWL_HINT,
    State.QUEUED: "{urn} waits for the extractor; ask again in a few seconds",
    State.READY: "{urn} is being moved to another model; ask again in a few seconds",
    State.NO_PREVIEW: "nobody offers a preview of {urn}, so it was never heard; another release of it may have one",
    State.REJECTED: "the preview of {urn} cannot be used; another release of it may do",
    State.FORGOTTEN: "{urn} was removed from the catalogue on request",
}


def forgotten(urn: str) -> Problem:
    """Say that a track was removed on request, so that it cannot be asked for either."""
    return Problem(
        "forgotten",
        "Track was removed",
        HTTPStatus.GONE,
        _STANDING[State.FORGOTTEN].format(urn=urn) + ", and stays out of it",
        track=urn,
        state=State.FORGOTTEN.value,
    )


def not_fetchable(detail: str) -> Problem:
    """Say that no crawler can fetch a track by its id, and what to do instead."""
    return Problem("not-fetchable", "No crawler can fetch it", HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def not_audio(content_type: str) -> Problem:
    """Say that a body is not declared as audio, and how to send one."""
    return Problem(
        "not-audio",
        "Not declared as audio",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"the body is sent as {content_type or 'nothing in particular'}; send the audio file itself, not a form, with "
        "its type, audio/… or application/octet-stream: "
        "curl --data-binary @song.mp3 -H 'Content-Type: audio/mpeg' <address>",
        headers={"Accept-Post": "audio/*, application/octet-stream"},
    )


def recording_too_large(largest_bytes: int) -> Problem:
    """Say that a recording is larger than what is taken, and what to send instead."""
    return Problem(
        "recording-too-large",
        "Recording too large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"at most {largest_bytes} bytes are taken; half a minute of it is all that is heard, so cut a passage out, or "
        "send it compressed (mp3, ogg, m4a)",
        largest_bytes=largest_bytes,
    )


def upload_too_slow(limit_s: int) -> Problem:
    """Say that a recording took too long to arrive."""
    return Problem(
        "upload-too-slow",
        "Upload too slow",
        HTTPStatus.REQUEST_TIMEOUT,
        f"the recording did not arrive within {limit_s} s; send a shorter or compressed one (half a minute is enough)",
    )


def recording_refused(reason: str) -> Problem:
    """Say why a recording cannot be heard."""
    return Problem("recording-refused", "Recording cannot be heard", HTTPStatus.UNPROCESSABLE_ENTITY, reason)


def nobody_listens(detail: str) -> Problem:
    """Say that no extractor has answered; the recording was deleted."""
    return Problem(
        "nobody-listens",
        "No extractor answers",
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{detail}; either none is running or all are busy. The recording was deleted: send it again later",
        retry_after_s=_WAIT_S[State.FOUND] // 2,
    )


def too_many_recordings(detail: str) -> Problem:
    """Say that a recording has to wait its turn."""
    return Problem(
        "too-many-recordings",
        "Too many recordings at once",
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{detail}; send it again in a few seconds",
        retry_after_s=_SOON_S,
    )


def unparsable(detail: str) -> Problem:
    """Say that a text names no track, with the accepted forms in `detail`."""
    return Problem("unparsable-track", "Not a track", HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def unparsable_playlist(detail: str) -> Problem:
    """Say that a text names no playlist, with the accepted forms in `detail`."""
    return Problem("unparsable-playlist", "Not a playlist", HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def unparsable_user(detail: str) -> Problem:
    """Say that a text names no account, with the accepted forms in `detail`."""
    return Problem("unparsable-user", "Not an account", HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def unknown_user(urn: str) -> Problem:
    """Say that no walk came by an account, and how that is done."""
    return Problem(
        "unknown-user",
        "Unknown account",
        HTTPStatus.NOT_FOUND,
        f"the catalogue does not know {urn}; walk from it: make crawl SOUNDCLOUD=<address of its profile>",
        user=urn,
    )


def no_taste(urn: str, remedy: str) -> Problem:
    """Say that nothing is known of what else is favourited beside a track, or by a user."""
    return Problem(
        "no-taste",
        "Nothing to compare by",
        HTTPStatus.NOT_FOUND,
        f"too little is known of who favourites what to answer for {urn}; {remedy}",
        subject=urn,
    )


def unknown_playlist(urn: str) -> Problem:
    """Say that a playlist was never crawled, and how that is done."""
    return Problem(
        "unknown-playlist",
        "Unknown playlist",
        HTTPStatus.NOT_FOUND,
        f"the catalogue does not know {urn}; crawl it: {CRAWL_HINT}",
        playlist=urn,
    )


def playlist_not_ready(urn: str, states: Mapping[State, int]) -> Problem:
    """Say that no track of a playlist can be compared: 503 where waiting helps, 404 where it does not."""
    counts = {state.value: count for state, count in states.items()}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items()) or "it is empty"
    waits = [_WAIT_S[state] for state in states if state in _WAIT_S]
    return Problem(
        "playlist-not-ready",
        "No track of the playlist is ready",
        HTTPStatus.SERVICE_UNAVAILABLE if waits else HTTPStatus.NOT_FOUND,
        f"no track of {urn} can be compared: {listed}",
        retry_after_s=min(waits) if waits else None,
        playlist=urn,
        states=counts,
    )


def invalid_request(errors: list[dict[str, str]]) -> Problem:
    """Say which parameters are wrong; every error has `parameter` and `message`."""
    detail = "; ".join(f"{each['parameter']}: {each['message']}" for each in errors)
    return Problem("invalid-request", "Invalid request", HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


def not_serving(missing: Mapping[str, str]) -> Problem:
    """Say what is missing before requests can be answered, by part."""
    return Problem(
        "not-serving",
        "Not ready to answer",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "; ".join(missing.values()),
        retry_after_s=_SOON_S,
        missing=dict(missing),
    )


def key_wanted(scope: KeyScope, *, shown: bool) -> Problem:
    """Say that a call needs a key, or (`shown`) that what was shown is no valid one."""
    detail = (
        "the key shown is unknown, expired or revoked" if shown else f"this call needs a key that may {scope.value}"
    )
    return Problem(
        "key-wanted",
        "A key is needed",
        HTTPStatus.UNAUTHORIZED,
        f"{detail}; send `Authorization: Bearer <key>`. {KEYS_HINT}",
        headers={"WWW-Authenticate": _CHALLENGE + (', error="invalid_token"' if shown else "")},
    )


def key_too_weak() -> Problem:
    """Say that a key may only read."""
    return Problem(
        "key-too-weak",
        "The key may only read",
        HTTPStatus.FORBIDDEN,
        f"this call needs a key that may write. {KEYS_HINT}",
        headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="write"'},
    )


def foreign_page() -> Problem:
    """Say that a web page of another origin wanted to write."""
    return Problem(
        "foreign-page",
        "Not from this page",
        HTTPStatus.FORBIDDEN,
        "a web page of another origin may not write here unless whoever runs the API names it in CORS_ORIGINS",
    )


def too_many_calls(per_minute: int, wait_s: int) -> Problem:
    """Say that a key's holder has used up the calls of this minute, and when the next one is free."""
    return Problem(
        "too-many-calls",
        "Too many calls",
        HTTPStatus.TOO_MANY_REQUESTS,
        f"the holder of this key may make {per_minute} writing calls a minute; ask again in {wait_s} s",
        retry_after_s=wait_s,
    )


def bug() -> Problem:
    """Say that the program is wrong, and nothing about how."""
    return Problem(
        "internal",
        "Internal error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "this is an error of the program; its log says more",
    )


def http(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Say what HTTP itself has to say: there is no such address, method, or the body is too large."""
    known = HTTPStatus(status)
    return Problem("http", known.phrase, known, f"{known.description or known.phrase}; see /docs", headers=headers)
