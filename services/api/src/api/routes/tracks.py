"""`GET /tracks/{urn}`: what the catalogue knows about a track."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api import examples, problems
from api.routes.dependencies import LiveNow, only
from api.schemas import TrackDetails
from catalog import embeddings, tracks
from catalog.text import clean
from catalog.track_id import LONGEST_TEXT

router = APIRouter()


@router.get(
    "/tracks/{urn:path}",
    summary="What the catalogue knows about a track",
    dependencies=[Depends(only())],
    responses=examples.responses(
        examples.TRACK, examples.UNKNOWN, examples.UNPARSABLE, examples.UNKNOWN_PARAMETER, examples.DATABASE_AWAY
    ),
)
async def show_track(
    live: LiveNow,
    urn: Annotated[
        str, Path(max_length=LONGEST_TEXT, description="Every form that /recommend takes", examples=[examples.URN])
    ],
) -> TrackDetails:
    """Show a track with its state and the reason for it."""
    async with live.database() as db:
        track_id = await tracks.identify(db, clean(urn))
        stored = await tracks.get(db, track_id)
        heard = await embeddings.tags_of(db, track_id)
    if stored is None:
        raise problems.unknown_track(track_id.urn)
    return TrackDetails.of_stored(stored, heard)
