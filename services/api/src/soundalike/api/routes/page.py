"""`GET /`: the page for people, from files of this package."""

from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response

from soundalike.api.middleware.auth import PAGE_FILES
from soundalike.api.security_headers import CONTENT_SECURITY_POLICY

router = APIRouter()

_FOLDER: Final = Path(__file__).parents[1] / "page"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _files() -> dict[str, Path]:
    """Return the files that the page consists of, by their path below it; nothing else is served."""
    return {file.relative_to(_FOLDER).as_posix(): file for file in _FOLDER.rglob("*") if file.suffix in _MEDIA_TYPES}


@router.get("/", include_in_schema=False)
async def show_page() -> Response:
    """Return the page."""
    return FileResponse(_FOLDER / "index.html", headers={CONTENT_SECURITY_POLICY: _POLICY})


@router.get(PAGE_FILES + "{path:path}", include_in_schema=False)
async def show_page_file(path: str) -> Response:
    """Return a file of the page."""
    file = _files().get(path)
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix])
