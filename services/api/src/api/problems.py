"""Errors as the API tells them: problem details in JSON (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.errors import ApiError, DatabaseAway, NotLoaded
from catalog.errors import InvalidTrackId
from catalog.tracks import State

MEDIA_TYPE: Final = "application/problem+json"
_TYPES: Final = "urn:soundalike:problem:"
_SOON_S: Final = 2
_WAIT_S: Final = {State.QUEUED: 5, State.FOUND: 60, State.READY: _SOON_S}
CRAWL_HINT: Final = "make crawl PLAYLIST=<url|uri|id> or make crawl FOLDER=<path>"


class ProblemDetails(BaseModel):
    """RFC 9457: `type` names the kind of problem, `title` says it shortly, `detail` says what to do about this one."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=[f"{_TYPES}unknown-track"])]
    title: Annotated[str, Field(examples=["Unknown track"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=[f"the catalogue does not know it; crawl it: {CRAWL_HINT}"])]


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
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}

    def response(self) -> JSONResponse:
        """Return the HTTP answer."""
        return JSONResponse(self.body, self.status, self.headers, media_type=MEDIA_TYPE)


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


def unparsable(detail: str) -> Problem:
    """Say that a text names no track, with the accepted forms in `detail`."""
    return Problem("unparsable-track", "Not a track", HTTPStatus.UNPROCESSABLE_ENTITY, detail)


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


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(InvalidTrackId, _on_unparsable)
    app.add_exception_handler(DatabaseAway, _on_database_away)
    app.add_exception_handler(NotLoaded, _on_not_loaded)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return error.response()


async def _on_unparsable(_: Request, error: Exception) -> JSONResponse:
    return unparsable(str(error)).response()


async def _on_database_away(_: Request, error: Exception) -> JSONResponse:
    return not_serving({"database": str(error)}).response()


async def _on_not_loaded(_: Request, error: Exception) -> JSONResponse:
    return not_serving({"space": str(error)}).response()


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return invalid_request(
        [
            # After the name comes, for a parameter that is repeated, which of the values it is.
            {"parameter": str(each["loc"][1]), "message": str(each["msg"]).removeprefix("Value error, ")}
            for each in error.errors()
        ]
    ).response()


async def _on_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    status = HTTPStatus(error.status_code)
    answer = Problem("http", status.phrase, status, f"{status.description or status.phrase}; see /docs").response()
    answer.headers.update(error.headers or {})
    return answer


async def _on_bug(_: Request, __: Exception) -> JSONResponse:
    return Problem(
        "internal",
        "Internal error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "this is an error of the program; its log says more",
    ).response()
