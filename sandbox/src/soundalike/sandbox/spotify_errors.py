"""Error replies of the Web API and of the accounts service, in their two forms."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


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


def _api_body(status: int, message: str) -> dict[str, Any]:
    return {"error": {"status": status, "message": message}}


def handle_errors(app: FastAPI) -> None:
    """Let an application answer with these errors."""

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
