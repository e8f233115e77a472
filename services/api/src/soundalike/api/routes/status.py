"""`GET /status`, and the same as server-sent events."""

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from soundalike.api import openapi_examples, problems, signed_links
from soundalike.api.errors import TooManyListeners
from soundalike.api.middleware.head import is_head
from soundalike.api.routes.dependencies import accept_only, sees_paths
from soundalike.api.schemas.status import Status, StatusLink
from soundalike.api.signed_links import LinkPurpose, LinkSubject
from soundalike.api.status_feed import StatusFeed
from soundalike.domain.text import escape_json
from soundalike.errors import DatabaseUnavailable

router = APIRouter()

_LINK_LIFETIME_S: Final = 60.0
# A proxy that collects answers would hold the events back (X-Accel-Buffering is nginx's).
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def _feed(request: Request) -> StatusFeed:
    feed: StatusFeed = request.app.state.status_feed
    return feed


FeedDep = Annotated[StatusFeed, Depends(_feed)]


@router.get(
    "/status",
    summary="What the platform holds and does right now",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.STATUS, openapi_examples.UNKNOWN_PARAMETER, openapi_examples.DATABASE_UNAVAILABLE
    ),
)
async def show_status(feed: FeedDep, request: Request) -> Status:
    """Return the counts by state, the analysis, queue, index, models, libraries and crawls; a second old at most.

    With very many tracks the counts are some seconds old.
    """
    report = await feed.current()
    if report.status is None:
        raise DatabaseUnavailable(report.problem or "the database does not answer")
    return report.status if sees_paths(request) else report.status.without_paths()


@router.get(
    "/status/events",
    summary="The status whenever it changes",
    response_class=StreamingResponse,
    dependencies=[Depends(accept_only(*signed_links.PARAMETERS))],
    responses=openapi_examples.responses(
        openapi_examples.STATUS,
        openapi_examples.UNKNOWN_PARAMETER,
        openapi_examples.TOO_MANY_LISTENERS,
        other_formats={openapi_examples.EVENTS: openapi_examples.STATUS_EVENT},
        has_json=False,
    ),
)
async def follow_status(feed: FeedDep, request: Request) -> Response:
    """Send server-sent events: `status` with what `GET /status` returns, now and whenever it changes.

    There is one a second at most.

    `problem` with a `detail` comes in its place while the database does not answer. The stream has no end of its own;
    connect again when it breaks off. A browser's EventSource can send no key: `GET /status-link` returns an address for
    it.
    """
    if is_head(request.scope):
        return Response(media_type=openapi_examples.EVENTS, headers=_HEADERS)
    place = ExitStack()
    try:
        place.enter_context(feed.place())
    except TooManyListeners as error:
        raise problems.too_many_listeners(str(error)) from error
    return _EventStream(_events(feed, shows_paths=sees_paths(request)), place)


@router.get(
    "/status-link",
    summary="An address of the events for a browser",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(openapi_examples.STATUS_LINK, openapi_examples.UNKNOWN_PARAMETER),
)
async def link_to_status(request: Request) -> StatusLink:
    """Return the address of `GET /status/events` with a signature in place of the key of this request.

    It is valid for a minute, and for as long as the key is; a stream that has begun goes on.
    """
    query = signed_links.sign(request.scope.get("key"), LinkSubject(LinkPurpose.STATUS), lifetime_s=_LINK_LIFETIME_S)
    url = f"status/events?{query.text}" if query.text else "status/events"
    return StatusLink(url=url, expires_at=datetime.fromtimestamp(query.expires_at, UTC))


class _EventStream(StreamingResponse):
    """A stream that gives its place back however it ends."""

    def __init__(self, events: AsyncIterator[str], place: ExitStack) -> None:
        super().__init__(events, media_type=openapi_examples.EVENTS, headers=_HEADERS)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._place:
            await super().__call__(scope, receive, send)


async def _events(feed: StatusFeed, *, shows_paths: bool) -> AsyncIterator[str]:
    async for report in feed.changes():
        if report is None:
            yield ": still here\n\n"
        elif report.status is None:
            yield _event("problem", json.dumps(problems.not_serving({"database": report.problem or ""}).body))
        else:
            yield _event("status", (report.status if shows_paths else report.status.without_paths()).model_dump_json())


def _event(name: str, document: str) -> str:
    return f"event: {name}\ndata: {escape_json(document)}\n\n"
