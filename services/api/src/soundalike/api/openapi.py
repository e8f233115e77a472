"""The OpenAPI specification, with what holds for every operation added in one place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI

from soundalike.api import problems
from soundalike.api.middleware.deadline import LIMIT_S
from soundalike.api.middleware.etag import UNCACHED_PATHS
from soundalike.api.problems import MEDIA_TYPE, ProblemDetails
from soundalike.api.settings import Access
from soundalike.db.api_keys import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.api.middleware.auth import AccessRules

_SCHEME: Final = "key"
_NOT_MODIFIED: Final = "304"
_NO_HTTP: Final = {
    "description": "The request is not valid HTTP, or its address and headers are longer than 256 KiB",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "Invalid HTTP request received."}},
}


class DocumentedApi(FastAPI):
    """FastAPI, with the responses that no route declares by itself: those of the middleware."""

    access_rules: AccessRules

    def openapi(self) -> dict[str, Any]:
        """Return the specification, made once."""
        if self.openapi_schema is None:
            specification = super().openapi()
            schemas = specification.setdefault("components", {}).setdefault("schemas", {})
            schemas[ProblemDetails.__name__] = ProblemDetails.model_json_schema()
            for path, method, operation in _operations(specification):
                operation["responses"].setdefault("400", _NO_HTTP)
                if method == "get" and path not in UNCACHED_PATHS:
                    _describe_revalidation(operation)
                _describe_problems(operation, problems.unknown_host("example.org"))
                _describe_problems(operation, problems.deadline_exceeded(LIMIT_S))
                access, scope = self.access_rules.access(method.upper(), path)
                if access is not Access.OPEN:
                    _describe_key(operation, access, scope)
                _refer_to_problems(operation)
            schemes = specification["components"].setdefault("securitySchemes", {})
            schemes[_SCHEME] = {"type": "http", "scheme": "bearer", "description": problems.KEYS_HINT}
        assert self.openapi_schema is not None  # noqa: S101 - set by FastAPI
        return self.openapi_schema


def specification_text(app: FastAPI) -> str:
    """Return the specification as it is committed: JSON with sorted keys, so that a change shows where it is."""
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _operations(specification: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in specification.get("paths", {}).items():
        for method, operation in methods.items():
            yield path, method, operation


def _describe_revalidation(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses["200"].setdefault("headers", {})["ETag"] = {
        "description": "Changes with the content; send it as `If-None-Match` to get 304 while nothing has changed",
        "schema": {"type": "string"},
    }
    responses[_NOT_MODIFIED] = {"description": "Not modified: the response that `If-None-Match` names is still current"}


def _describe_key(operation: dict[str, Any], access: Access, scope: Scope) -> None:
    local = access is Access.LOCAL
    operation["security"] = [{}, {_SCHEME: []}] if local else [{_SCHEME: []}]
    _describe_problems(operation, problems.key_required(scope, key_sent=False, local=local))
    if scope is Scope.WRITE:
        _describe_problems(operation, problems.write_scope_required(), problems.rate_limit_exceeded(60, 1))


def _describe_problems(operation: dict[str, Any], *errors: problems.Problem) -> None:
    for error in errors:
        response = operation["responses"].setdefault(
            str(error.status.value), {"description": error.status.phrase, "content": {MEDIA_TYPE: {"examples": {}}}}
        )
        examples = response["content"][MEDIA_TYPE]["examples"]
        examples[error.kind] = {"summary": error.title, "value": error.body}


def _refer_to_problems(operation: dict[str, Any]) -> None:
    for response in operation["responses"].values():
        if MEDIA_TYPE in response.get("content", {}):
            response["content"][MEDIA_TYPE]["schema"] = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
