"""`GET /random`: tracks drawn at random, to begin with."""

from random import SystemRandom
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from soundalike.api import openapi_examples
from soundalike.api.repository import Repository
from soundalike.api.routes.dependencies import PlatformDep, accept_only
from soundalike.api.routes.query_parameters import MAX_RESULTS
from soundalike.api.schemas.tracks import RandomTracks, TrackSummary
from soundalike.db.tracks import State
from soundalike.domain.tags import distinctive

router = APIRouter()

_RANDOM: Final = SystemRandom()
_SPARE: Final = 8
"""More are drawn than requested: a track of the index may be waiting for a new analysis."""

_MAX_DRAW: Final = 4_096


@router.get(
    "/random",
    summary="Tracks drawn at random",
    dependencies=[Depends(accept_only("n"))],
    responses=openapi_examples.responses(
        openapi_examples.RANDOM, openapi_examples.UNKNOWN_PARAMETER, openapi_examples.DATABASE_UNAVAILABLE
    ),
)
async def draw_tracks(
    platform: PlatformDep,
    n: Annotated[int, Query(ge=1, le=MAX_RESULTS, description="How many tracks to return, at most")] = 1,
) -> RandomTracks:
    """Return at most `n` tracks that are ready, each once; every such track has the same chance.

    They are drawn from what `/recommend` searches, in memory. There are fewer where the catalogue has fewer, and none
    while it has none.
    """
    snapshot = platform.snapshot()
    width = n + _SPARE
    async with platform.database() as db:
        while True:
            urns = snapshot.random_urns(width, _RANDOM)
            tracks = await Repository(db, snapshot.model.model).tracks(urns)
            ready = [tracks[urn] for urn in urns if urn in tracks and tracks[urn].state is State.READY][:n]
            if len(ready) == n or len(urns) < width or width >= _MAX_DRAW:
                break
            width *= 4
    mean_tags = snapshot.model.mean_tag_probabilities
    return RandomTracks(
        tracks=[TrackSummary.of(each.track, distinctive(each.tag_probabilities, mean_tags)) for each in ready]
    )
