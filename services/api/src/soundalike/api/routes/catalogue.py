"""`GET /tracks`, the catalogue page by page, and `PUT /tracks/{urn}`, which requests a missing track."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, StateName, accept_only
from soundalike.api.routes.query_parameters import Source
from soundalike.api.schemas.tracks import (
    ListedTrack,
    TrackPage,
    TrackRequest,
)
from soundalike.db import track_pages, track_references, track_requests
from soundalike.db.tracks import State
from soundalike.domain.playlist_id import playlist_urn
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.text import clean, clean_or_none
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidPlaylistId, InvalidTrackId

router = APIRouter()

NOT_FETCHABLE: Final = problems.not_fetchable("file:track:… is a file on a person's own machine")
FORGOTTEN: Final = problems.forgotten(openapi_examples.URN)

_LAST_POSITION: Final = 2**31 - 1


@router.get(
    "/tracks",
    summary="The catalogue, page by page",
    dependencies=[Depends(accept_only("playlist", "n", "after", repeatable=("state", "source")))],
    responses=openapi_examples.responses(
        openapi_examples.PAGE,
        openapi_examples.UNKNOWN_PLAYLIST,
        openapi_examples.UNPARSABLE_PLAYLIST,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.DATABASE_UNAVAILABLE,
    ),
)
async def list_tracks(
    platform: PlatformDep,
    request: Request,
    state: Annotated[
        list[StateName],
        Query(
            max_length=len(State), description="A state to list; may be repeated; all but forgotten and gone if missing"
        ),
    ] = [],  # noqa: B006 - never changed
    source: Annotated[
        list[Source], Query(max_length=len(track_pages.SOURCES), description="A source to list; may be repeated")
    ] = [],  # noqa: B006 - never changed
    playlist: Annotated[
        str | None, Query(max_length=MAX_TEXT_LENGTH, description="Only the tracks of this playlist, in its order")
    ] = None,
    n: Annotated[int, Query(ge=1, le=200, description="How many tracks to return per page, at most")] = 50,
    after: Annotated[
        str | None,
        Query(max_length=MAX_TEXT_LENGTH, description="Where the page begins; taken from `next` of the previous page"),
    ] = None,
) -> TrackPage:
    """Return one page, ordered by URN (a playlist in its own order). For counts see /metrics.

    Tracks that are added between two pages appear where they belong; nothing else moves.
    """
    states, sources = state or track_pages.VISIBLE, source or track_pages.SOURCES
    async with platform.database() as db:
        if playlist is None:
            page = await track_pages.page(db, limit=n, after=_urn(after), states=states, sources=sources)
        else:
            urn = _playlist(playlist)
            playlist_page = await track_pages.playlist_page(
                db, urn, limit=n, after=_position(after), states=states, sources=sources
            )
            if playlist_page is None:
                raise problems.unknown_playlist(urn)
            page = playlist_page
    return TrackPage(
        tracks=[ListedTrack.of(stored) for stored in page.tracks],
        next=page.next_after and f"{request.url.path}?{request.url.include_query_params(after=page.next_after).query}",
    )


@router.put(
    "/tracks/{urn:path}",
    summary="Request a missing track",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(accept_only())],
    responses={
        **openapi_examples.responses(
            openapi_examples.REQUEST_READY,
            openapi_examples.UNPARSABLE,
            openapi_examples.UNKNOWN_PARAMETER,
            NOT_FETCHABLE,
            FORGOTTEN,
            openapi_examples.DATABASE_UNAVAILABLE,
        ),
        HTTPStatus.ACCEPTED.value: {
            "description": "The request is accepted",
            "content": {"application/json": {"example": openapi_examples.REQUEST.model_dump(mode="json")}},
            "headers": {"Location": {"description": "Address that shows its state", "schema": {"type": "string"}}},
        },
    },
)
async def request_track(
    platform: PlatformDep,
    response: Response,
    urn: Annotated[
        str,
        Path(
            max_length=MAX_TEXT_LENGTH, description="Any form that /recommend accepts", examples=[openapi_examples.URN]
        ),
    ],
) -> TrackRequest:
    """Add a track to the queue of the crawlers and return its state; a track that is ready is left as it is.

    Repeating a request does no harm; where no preview was found, a crawler searches again.
    """
    async with platform.database() as db:
        track = await track_references.resolve(db, urn)
        try:
            state, reason = await track_requests.request_track(db, track)
        except track_requests.NotFetchable as error:
            raise problems.not_fetchable(str(error)) from error
    if state is State.FORGOTTEN:
        raise problems.forgotten(track.urn)
    response.headers["Location"] = f"/tracks/{track.urn}"
    if state is State.READY:
        response.status_code = HTTPStatus.OK
    return TrackRequest(urn=track.urn, state=state, reason=clean_or_none(reason))


def _playlist(pasted: str) -> str:
    try:
        return playlist_urn(clean(pasted))
    except InvalidPlaylistId as error:
        raise problems.unparsable_playlist(str(error)) from error


def _urn(after: str | None) -> str:
    try:
        return TrackId.from_urn(clean(after)).urn if after is not None else ""
    except InvalidTrackId:
        raise _invalid_after("the URN of a track") from None


def _position(after: str | None) -> int:
    if after is None:
        return -1
    if not (after.isascii() and after.isdigit() and len(after) <= 10 and int(after) <= _LAST_POSITION):
        raise _invalid_after("a position in the playlist")
    return int(after)


def _invalid_after(expected: str) -> problems.Problem:
    return problems.invalid_request(
        [{"parameter": "after", "message": f"expected {expected}, taken from `next` of the previous page"}]
    )
