"""The current user's library, and albums."""

import re
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Query, Request

from soundalike.sandbox.access_tokens import Bearer
from soundalike.sandbox.playlists import Album
from soundalike.sandbox.spotify_errors import ApiError
from soundalike.sandbox.spotify_library_replies import LibraryReplies
from soundalike.sandbox.spotify_replies import Reply

if TYPE_CHECKING:
    from soundalike.sandbox.state import Sandbox

_ID: Final = re.compile(r"[0-9A-Za-z]{22}")

Limit = Annotated[int, Query(ge=1, le=50)]
Offset = Annotated[int, Query(ge=0)]


def library(sandbox: "Sandbox") -> APIRouter:
    """Return the routes of the user's library and of albums."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(Bearer(sandbox.tokens))])
    playlist_scope = [Depends(Bearer(sandbox.tokens, "playlist-read-private"))]
    library_scope = [Depends(Bearer(sandbox.tokens, "user-library-read"))]

    def replies(request: Request) -> LibraryReplies:
        return LibraryReplies(str(request.base_url), sandbox.settings.page_shape, sandbox.settings.offer_previews)

    def album_of(album_id: str) -> Album:
        album = sandbox.library.album(album_id) if _ID.fullmatch(album_id) else None
        if album is None:
            raise ApiError(404, "Resource not found")
        return album

    # The real service accepts a slash at the end, and spotipy sends one in some places.
    @router.get("/me", dependencies=playlist_scope)
    @router.get("/me/", dependencies=playlist_scope)
    def me(request: Request) -> Reply:
        return replies(request).user()

    @router.get("/me/playlists", dependencies=playlist_scope)
    def playlists(request: Request, limit: Limit = 20, offset: Offset = 0) -> Reply:
        return replies(request).playlists(sandbox.library.user_playlists(), limit, offset)

    @router.get("/me/tracks", dependencies=library_scope)
    def tracks(request: Request, limit: Limit = 20, offset: Offset = 0) -> Reply:
        return replies(request).saved_tracks(sandbox.library.saved_tracks, limit, offset)

    @router.get("/albums/{album_id}")
    def album(request: Request, album_id: str) -> Reply:
        return replies(request).whole_album(album_of(album_id))

    @router.get("/albums/{album_id}/tracks")
    @router.get("/albums/{album_id}/tracks/")
    def album_tracks(request: Request, album_id: str, limit: Limit = 20, offset: Offset = 0) -> Reply:
        return replies(request).album_tracks(album_of(album_id), limit, offset)

    return router
