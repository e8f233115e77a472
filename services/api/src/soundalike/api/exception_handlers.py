"""The exceptions of the app as problem details."""

from collections.abc import Iterable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

from soundalike.api import problems
from soundalike.api.errors import SeedNotReady, SnapshotUnavailable
from soundalike.errors import DatabaseUnavailable, InvalidTrackId


def install(app: FastAPI, routes: Iterable[Route]) -> None:
    """Make every error of the app a problem; `routes` are what it answers."""
    known = tuple(routes)

    async def on_http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names the methods of the first route with this address, and there may be more.
            matching = [route.methods or set() for route in known if route.path_regex.match(request.url.path)]
            methods: set[str] = set().union(*matching)
            if "GET" in methods:
                methods.add("HEAD")
            headers["Allow"] = ", ".join(sorted(methods)) or headers.get("Allow", "")
        return problems.http(error.status_code, headers).response()

    app.add_exception_handler(problems.Problem, _on_problem)
    app.add_exception_handler(InvalidTrackId, _on_unparsable)
    app.add_exception_handler(DatabaseUnavailable, _on_database_away)
    app.add_exception_handler(SeedNotReady, _on_seed_not_ready)
    app.add_exception_handler(SnapshotUnavailable, _on_not_loaded)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_error)


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, problems.Problem)  # noqa: S101 - registered for it
    return error.response()


async def _on_unparsable(_: Request, error: Exception) -> JSONResponse:
    return problems.unparsable_track(str(error)).response()


async def _on_database_away(_: Request, error: Exception) -> JSONResponse:
    return problems.not_serving({"database": str(error)}).response()


async def _on_not_loaded(_: Request, error: Exception) -> JSONResponse:
    return problems.not_serving({"space": str(error)}).response()


async def _on_seed_not_ready(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SeedNotReady)  # noqa: S101 - registered for it
    if error.track is None:
        return problems.unknown_track(error.urn).response()
    return problems.not_ready(error.urn, error.track.state, error.track.reason).response()


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return problems.invalid_request(
        [
            {"parameter": _parameter(each["loc"]), "message": str(each["msg"]).removeprefix("Value error, ")}
            for each in error.errors()
        ]
    ).response()


def _parameter(where: tuple[str | int, ...]) -> str:
    # After the name comes, for a parameter that is repeated, which of the values it is; a body alone has no name.
    return str(where[1] if len(where) > 1 else where[0])
