"""`GET /docs` and `/redoc`: the documentation of the API, from files of this package and of `fastapi_offline`."""

from functools import cache
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from soundalike.api.middleware.auth import DOCS_FILES
from soundalike.api.security_headers import CONTENT_SECURITY_POLICY

router = APIRouter()

_OWN_FILES: Final = Path(__file__).parents[1] / "documentation"

_SWAGGER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Redoc writes its styles into the page, and searches in a worker that it makes itself. Its maker's logo would come from
# elsewhere, and stays away.
_REDOC_POLICY: Final = _SWAGGER_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "connect-src", "worker-src blob:; connect-src"
)


@cache
def _files() -> dict[str, Path]:
    """Return the files by name; those of Swagger UI and Redoc lie in a package whose code is not loaded."""
    spec = find_spec("fastapi_offline")
    assert spec is not None  # noqa: S101 - a dependency
    assert spec.origin is not None  # noqa: S101 - it is no namespace
    library = Path(spec.origin).parent / "static"
    return {
        **{name: _OWN_FILES / name for name in ("swagger-start.js", "redoc.css")},
        **{name: library / name for name in ("swagger-ui.css", "swagger-ui-bundle.js", "redoc.standalone.js")},
    }


_CACHING: Final = {"Cache-Control": "max-age=3600"}


@router.get("/docs", include_in_schema=False)
async def show_docs() -> FileResponse:
    """Return the page of Swagger UI."""
    return _page("docs.html", _SWAGGER_POLICY)


@router.get("/redoc", include_in_schema=False)
async def show_redoc() -> FileResponse:
    """Return the page of Redoc."""
    return _page("redoc.html", _REDOC_POLICY)


@router.get(DOCS_FILES + "{name}", include_in_schema=False)
async def show_file(name: str) -> FileResponse:
    """Return a file that the pages consist of."""
    file = _files().get(name)
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return FileResponse(file, headers=_CACHING)


def _page(name: str, policy: str) -> FileResponse:
    return FileResponse(_OWN_FILES / name, headers={CONTENT_SECURITY_POLICY: policy, "Cache-Control": "no-cache"})
