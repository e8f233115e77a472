"""Calls of the running platform's API, with a key where the environment has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import httpx
from pydantic import BaseModel, Field, ValidationError

from soundalike.domain.text import escape
from soundalike.local.errors import LocalPlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY_VARIABLE: Final = "SOUNDALIKE_API_KEY"

_TIMEOUT_S: Final = 30
_Model = TypeVar("_Model", bound=BaseModel)


class ApiError(LocalPlatformError):
    """The API answered with an error, whose message this has, or not at all; `status` is that of HTTP, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Problem(BaseModel):
    detail: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The API at a URL; `key` goes along with every request."""

    url: str
    key: str | None = field(default=None, repr=False)

    def get(self, path: str, query: Mapping[str, str | Sequence[str]]) -> httpx.Response:
        """Send a GET request; raises `ApiError`."""
        return self._send("GET", path, query, None)

    def post_audio(self, path: str, query: Mapping[str, str | Sequence[str]], audio: bytes) -> httpx.Response:
        """Send a WAV file; raises `ApiError`."""
        return self._send("POST", path, query, audio)

    def _send(
        self, method: str, path: str, query: Mapping[str, str | Sequence[str]], audio: bytes | None
    ) -> httpx.Response:
        headers = {"Content-Type": "audio/wav"} if audio is not None else {}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            with httpx.Client(base_url=self.url, trust_env=False, timeout=_TIMEOUT_S) as client:
                response = client.request(method, path, params=dict(query), content=audio, headers=headers)
        except (httpx.HTTPError, UnicodeEncodeError) as error:
            # What the library says of a header would show the key.
            reason = f"{KEY_VARIABLE} is no key" if isinstance(error, UnicodeEncodeError) else str(error)
            raise ApiError(f"The API at {self.url} does not respond: {reason}") from None
        if response.is_success:
            return response
        try:
            message = _Problem.model_validate_json(response.content).detail
        except ValidationError as error:
            raise unexpected_response(response) from error
        raise ApiError(escape(message), response.status_code)


def read(model: type[_Model], response: httpx.Response) -> _Model:
    """Read a response as JSON; raises `ApiError`."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise unexpected_response(response) from error


def unexpected_response(response: httpx.Response) -> ApiError:
    """Return the error for a response that is none of the API's."""
    return ApiError(f"Unexpected response from {response.url} (status {response.status_code}).", response.status_code)
