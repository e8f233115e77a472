"""`GET /tracks/{urn}`: the details of a track."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from soundalike.api import openapi_examples, problems
from soundalike.api.path_format import PathFormat
from soundalike.api.routes.dependencies import PlatformDep, accept_only, sees_paths
from soundalike.api.schemas.tracks import TrackDetails
from soundalike.db import locations
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
    request: Request,
    urn: Annotated[
        str,
        Path(
            max_length=MAX_TEXT_LENGTH, description="Any form that /recommend accepts", examples=[openapi_examples.URN]
        ),
    ],
) -> TrackDetails:
    """Return a track with its state and the reason for it, and for a local caller where its file lies."""
    async with platform.database() as db:
        track = await details(db, urn)
        if track is None:
            raise problems.unknown_track(TrackId.parse(clean(urn)).urn)
        places = None
        if track.stored_track.track.id.source == "file" and sees_paths(request):
            file = track.stored_track.track.id.urn
            places = (await locations.of_tracks(db, [file])).get(file, [])
    paths = None if places is None else [PathFormat().write(place.absolute_path).text for place in places]
    return TrackDetails.of_stored(track.stored_track, track.tags, paths)
