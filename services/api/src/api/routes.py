"""The addresses of the API."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator, WithJsonSchema

from api import examples, problems
from api.answers import Recommender, TagFilter
from api.errors import DatabaseAway, NotLoaded
from api.live import Live
from api.lookups import query_track, ready_candidates
from api.schemas import Health, IndexInfo, Readiness, Recommendation, TrackDetails
from catalog import embeddings, tracks
from catalog.models import Model
from catalog.tags import SLUGS
from catalog.tags import known as known_tag
from catalog.text import clean
from catalog.track_id import ACCEPTED_FORMS, LONGEST_TEXT
from catalog.tracks import State

router = APIRouter()


def _live(request: Request) -> Live:
    live: Live = request.app.state.live
    return live


def _recommender(request: Request) -> Recommender:
    recommender: Recommender = request.app.state.recommender
    return recommender


def only(*once: str, often: tuple[str, ...] = ()) -> Callable[[Request], None]:
    """Return a dependency that refuses parameters of other names, and those of `once` given twice."""

    def check(request: Request) -> None:
        listed = ", ".join((*once, *often)) or "none"
        wrong = [
            {
                "parameter": name,
                "message": f"given {times} times, expected once" if name in once else f"unknown; known are: {listed}",
            }
            for name, times in Counter(name for name, _ in request.query_params.multi_items()).items()
            if name not in often and (name not in once or times > 1)
        ]
        if wrong:
            raise problems.invalid_request(wrong)

    return check


def _filter(model: Model, wanted: list[str], unwanted: list[str]) -> TagFilter:
    if (wanted or unwanted) and model.usual_tags is None:
        raise problems.invalid_request(
            [{"parameter": "tag" if wanted else "not_tag", "message": f"the model {model.model} says no tags"}]
        )
    if both := sorted({*wanted} & {*unwanted}):
        raise problems.invalid_request(
            [{"parameter": "not_tag", "message": f"{', '.join(both)}: asked for by tag, so nothing could be answered"}]
        )
    return TagFilter(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


LiveNow = Annotated[Live, Depends(_live)]
Tag = Annotated[str, AfterValidator(known_tag), WithJsonSchema({"type": "string", "enum": list(SLUGS)})]


@router.get(
    "/recommend",
    summary="The tracks that sound like a track",
    dependencies=[Depends(only("track", "n", often=("tag", "not_tag")))],
    responses=examples.responses(
        examples.RECOMMENDATION,
        examples.UNKNOWN,
        examples.REJECTED,
        examples.UNPARSABLE,
        examples.TOO_MANY,
        examples.UNKNOWN_TAG,
        examples.QUEUED,
        examples.DATABASE_AWAY,
    ),
)
async def recommend(
    live: LiveNow,
    recommender: Annotated[Recommender, Depends(_recommender)],
    track: Annotated[
        str, Query(max_length=LONGEST_TEXT, description=f"What you have: {ACCEPTED_FORMS}", examples=[examples.URN])
    ],
    n: Annotated[int, Query(ge=1, le=100, description="How many tracks to answer with, at most")] = 10,
    tag: Annotated[
        list[Tag], Query(max_length=len(SLUGS), description="A tag that every answer holds; may be repeated")
    ] = [],  # noqa: B006 - never changed
    not_tag: Annotated[
        list[Tag], Query(max_length=len(SLUGS), description="A tag that no answer holds; may be repeated")
    ] = [],  # noqa: B006 - never changed
) -> Recommendation:
    """Answer with at most `n` tracks, never the query itself, never the same recording twice."""
    snapshot = live.snapshot()
    tag_filter = _filter(snapshot.model, tag, not_tag)
    async with live.database() as db:
        track_id = await tracks.identify(db, clean(track))
        query = await query_track(db, track_id, snapshot.model.model)
        if query is None:
            raise problems.unknown_track(track_id.urn)
        if query.state is not State.READY or query.vector is None:
            raise problems.not_ready(track_id.urn, query.state, query.reason)
        candidates = partial(ready_candidates, db, model=snapshot.model.model)
        answers = await recommender.answer(candidates, snapshot, query, n, tag_filter)
    return Recommendation.of(query, snapshot, answers)


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


@router.get(
    "/healthz",
    summary="Whether the process lives",
    dependencies=[Depends(only())],
    responses=examples.responses(examples.ALIVE, examples.UNKNOWN_PARAMETER),
)
async def healthz() -> Health:
    """Answer without asking anybody else."""
    return Health()


@router.get(
    "/readyz",
    summary="Whether recommendations can be answered",
    dependencies=[Depends(only())],
    responses=examples.responses(examples.READY, examples.UNKNOWN_PARAMETER, examples.DATABASE_AWAY),
)
async def readyz(live: LiveNow) -> Readiness:
    """Tell what is missing, or that the database answers and the space is loaded."""
    missing: dict[str, str] = {}
    try:
        await live.probe()
    except DatabaseAway as error:
        missing["database"] = str(error)
    try:
        snapshot = live.snapshot()
    except NotLoaded as error:
        missing["space"] = str(error)
    if missing:
        raise problems.not_serving(missing)
    return Readiness(index=IndexInfo.of(snapshot))


@router.get("/", include_in_schema=False)
async def home() -> RedirectResponse:
    """Lead people who open the address to the documentation."""
    return RedirectResponse("/docs")
