"""Messages that were given up: their reasons, and another try."""

from typing import TYPE_CHECKING, Annotated, Final, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from soundalike.api import openapi_examples, problems
from soundalike.api.routes.dependencies import PlatformDep, accept_only
from soundalike.api.routes.status import FeedDep
from soundalike.api.schemas.status import DeadLetterInfo, DeadLetters, RetryResult
from soundalike.db import dead_letters
from soundalike.errors import QueueUnavailable

if TYPE_CHECKING:
    from soundalike.api.platform_queues import PlatformQueues

router = APIRouter()

# Within the deadline of the request; what is left over is left for another one.
_RETRY_LIMIT_S: Final = 6.0
_MAX_IDS: Final = 1_000


class RetryOrder(BaseModel):
    """Which dead letters to try again: those with these ids, or all."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=_MAX_IDS, description="The ids of dead letters"),
    ] = None
    all: Annotated[bool, Field(description="true for all of them")] = False

    @model_validator(mode="after")
    def _names_letters(self) -> Self:
        if (self.ids is not None) == self.all:
            raise ValueError("expected ids, or all: true")
        return self


@router.get(
    "/dead-letters",
    summary="Messages that were given up",
    dependencies=[Depends(accept_only("n"))],
    responses=openapi_examples.responses(
        openapi_examples.DEAD_LETTERS,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.TOO_MANY,
        openapi_examples.DATABASE_UNAVAILABLE,
    ),
)
async def list_dead_letters(
    platform: PlatformDep,
    n: Annotated[int, Query(ge=1, le=1_000, description="How many to return, at most")] = 50,
) -> DeadLetters:
    """Return the previews that could not be analysed in five attempts, each with its reason, the newest first.

    One whose extractor crashed is listed after a minute at most.
    """
    async with platform.database() as db:
        letters = await dead_letters.newest(db, limit=n)
        total = await dead_letters.count(db)
    return DeadLetters(total=total, letters=[DeadLetterInfo.of(letter) for letter in letters])


@router.post(
    "/dead-letters/retry",
    summary="Try dead letters again",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.RETRIED,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.DATABASE_UNAVAILABLE,
        openapi_examples.QUEUE_UNAVAILABLE,
    ),
)
async def retry_dead_letters(order: RetryOrder, platform: PlatformDep, feed: FeedDep, request: Request) -> RetryResult:
    """Send dead letters back to the queue, for five more attempts each, and return how many.

    None is lost on the way. Of very many as many are sent as a few seconds allow: send the request again.
    """
    queues: PlatformQueues = request.app.state.queues
    try:
        pair = await queues.open()
        async with platform.database() as db:
            retried = await dead_letters.retry(
                db, pair.queue, pair.dead_letter_queue, order.ids, limit_s=_RETRY_LIMIT_S
            )
    except QueueUnavailable as error:
        raise problems.not_serving({"queue": "the queue does not answer"}) from error
    feed.expire()
    return RetryResult(retried=retried)
