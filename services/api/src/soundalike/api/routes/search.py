"""`GET /search`: tracks by title, artist and album."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, StateName, accept_only
from soundalike.api.routes.query_parameters import Source
from soundalike.api.schemas.tracks import SearchResults
from soundalike.db.search import search
from soundalike.domain.text import clean

router = APIRouter()

MAX_QUERY_LENGTH = 200


@router.get(
    "/search",
    summary="Tracks by title, artist and album",
    dependencies=[Depends(accept_only("q", "n", "source", "state"))],
    responses=openapi_examples.responses(
        openapi_examples.SEARCH, openapi_examples.UNKNOWN_PARAMETER, openapi_examples.DATABASE_UNAVAILABLE
    ),
)
async def find_tracks(
    platform: PlatformDep,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_QUERY_LENGTH,
            description=(
                "Words of title, artist and album in any order. The last one may be incomplete, for searches while "
                "typing. Case, accents and punctuation make no difference. A track matches if all words do; each word "
                "of four letters or more may have one typo if too few tracks match without. The address or URN of a "
                "track finds that track."
            ),
            examples=["daft pun harder"],
        ),
    ],
    n: Annotated[int, Query(ge=1, le=50, description="How many tracks to return, at most")] = 10,
    source: Annotated[Source | None, Query(description="Only tracks of this source")] = None,
    state: Annotated[
        StateName | None, Query(description="Only tracks in this state: `ready` ones can be compared")
    ] = None,
) -> SearchResults:
    """Return the tracks that match, best first: exact before incomplete before misspelt, whole names before parts.

    A new or changed name can be found after a minute at most.
    """
    if not clean(q):
        raise problems.invalid_request([{"parameter": "q", "message": "expected at least one letter"}])
    async with platform.database() as db:
        return SearchResults.of(await search(db, q, limit=n, source=source, state=state))
