"""`GET /users/{urn}/similar`: accounts with similar favourites."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, accept_only
from soundalike.api.schemas.users import SimilarUsers
from soundalike.db.similar_users import similar_users
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.text import clean
from soundalike.domain.user_id import ACCEPTED_FORMS, user_urn
from soundalike.errors import InvalidUserId

router = APIRouter()


@router.get(
    "/users/{user:path}/similar",
    summary="SoundCloud accounts with similar favourites",
    dependencies=[Depends(accept_only("n"))],
    responses=openapi_examples.responses(
        openapi_examples.SIMILAR_USERS,
        openapi_examples.UNKNOWN_USER,
        openapi_examples.UNPARSABLE_USER,
        openapi_examples.TOO_MANY,
        openapi_examples.DATABASE_UNAVAILABLE,
    ),
)
async def show_similar_users(
    platform: PlatformDep,
    user: Annotated[
        str, Path(max_length=MAX_TEXT_LENGTH, description=ACCEPTED_FORMS, examples=[openapi_examples.USER])
    ],
    n: Annotated[int, Query(ge=1, le=100, description="How many accounts to return, at most")] = 10,
) -> SimilarUsers:
    """Return accounts that share favourites with this one, ordered by the cosine of the two.

    The thousand newest favourites are compared, and a thousand fans of each. The catalogue stores no names of people,
    only numbers and favourites.
    """
    urn = parse_user(user)
    async with platform.database() as db:
        similarities = await similar_users(db, urn, limit=n)
    if similarities is None:
        raise problems.unknown_user(urn)
    return SimilarUsers.of(urn, similarities)


def parse_user(text: str) -> str:
    """Return the URN of the account that a text names; raises `Problem` where it names none."""
    try:
        return user_urn(clean(text))
    except InvalidUserId as error:
        raise problems.unparsable_user(str(error)) from error
