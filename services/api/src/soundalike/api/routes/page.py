"""`GET /`: the page for people, from files of this package."""

from collections.abc import Collection
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from soundalike.api.middleware.auth import PAGE_FILES
from soundalike.api.security_headers import CONTENT_SECURITY_POLICY
from soundalike.api.settings import Embed

router = APIRouter()

_FOLDER: Final = Path(__file__).parents[1] / "page"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FRAMES: Final = {
    Embed.SPOTIFY: "https://open.spotify.com",
    Embed.DEEZER: "https://widget.deezer.com",
    Embed.SOUNDCLOUD: "https://w.soundcloud.com",
}
"""Where the players of services come from."""

_NO_EMBEDS: Final = '<meta name="embeds" content="">'


@cache
def _page(embeds: Collection[Embed]) -> tuple[str, str]:
    """Return the page, which knows whose players it may load, and the policy that lets it."""
    frames = f"; frame-src {' '.join(_FRAMES[each] for each in embeds)}" if embeds else ""
    text = (_FOLDER / "index.html").read_text(encoding="utf-8")
    return text.replace(_NO_EMBEDS, _NO_EMBEDS.replace('""', f'"{" ".join(embeds)}"')), _POLICY + frames


@cache
def _files() -> dict[str, Path]:
    """Return the files that the page consists of, by their path below it; nothing else is served."""
    return {file.relative_to(_FOLDER).as_posix(): file for file in _FOLDER.rglob("*") if file.suffix in _MEDIA_TYPES}


@router.get("/", include_in_schema=False)
async def show_page(request: Request) -> Response:
    """Return the page."""
    text, policy = _page(request.app.state.embeds)
    return HTMLResponse(text, headers={CONTENT_SECURITY_POLICY: policy})


@router.get(PAGE_FILES + "{path:path}", include_in_schema=False)
async def show_page_file(path: str) -> Response:
    """Return a file of the page."""
    file = _files().get(path)
    if file is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix])
