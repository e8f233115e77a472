"""`GET /tracks/{urn}`: the details of a track."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, accept_only
from soundalike.api.schemas.tracks import TrackDetails
from soundalike.db.track_details import details
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.text import clean
from soundalike.domain.track_id import TrackId

router = APIRouter()


@router.get(
    "/tracks/{urn:path}",
    summary="Details of a track",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.TRACK,
        openapi_examples.UNKNOWN,
        openapi_examples.UNPARSABLE,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.DATABASE_UNAVAILABLE,
    ),
)
async def show_track(
    platform: PlatformDep,
    urn: Annotated[
        str,
        Path(
            max_length=MAX_TEXT_LENGTH, description="Any form that /recommend accepts", examples=[openapi_examples.URN]
        ),
    ],
) -> TrackDetails:
    """Return a track with its state and the reason for it."""
    async with platform.database() as db:
        track = await details(db, urn)
    if track is None:
        raise problems.unknown_track(TrackId.parse(clean(urn)).urn)
    return TrackDetails.of_stored(track.stored_track, track.tags)
