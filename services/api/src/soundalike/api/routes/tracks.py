"""`GET /tracks/{urn}`: what the catalogue knows about a track."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, accept_only
from soundalike.api.schemas.tracks import TrackDetails
from soundalike.db.track_details import details
from soundalike.domain.service_urls import LONGEST_TEXT
from soundalike.domain.text import clean
from soundalike.domain.track_id import TrackId

router = APIRouter()


@router.get(
    "/tracks/{urn:path}",
    summary="What the catalogue knows about a track",
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
        Path(max_length=LONGEST_TEXT, description="Every form that /recommend takes", examples=[openapi_examples.URN]),
    ],
) -> TrackDetails:
    """Show a track with its state and the reason for it."""
    async with platform.database() as db:
        found = await details(db, urn)
    if found is None:
        raise problems.unknown_track(TrackId.parse(clean(urn)).urn)
    return TrackDetails.of_stored(found.stored_track, found.tags)
