"""`GET /recommend`: the tracks that sound like one track or several, or fit a playlist."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from api import examples, problems
from api.answers import Answered, Recommender
from api.errors import NotInSpace, NotShown
from api.formats import Format
from api.lookups import HeardTrack, identify, known_tracks, playlist_tracks, raw_vector
from api.routes.dependencies import LiveNow, RecommenderNow, only
from api.routes.wishing import OFTEN, ONCE, Pasted, Wanted, shaped, wanted, wanted_form
from api.schemas import PlaylistSummary, Recommendation
from api.snapshot import Snapshot
from api.wishes import Wishes
from catalog.errors import InvalidPlaylistId
from catalog.playlist_id import ACCEPTED_FORMS as PLAYLIST_FORMS
from catalog.playlist_id import playlist_urn
from catalog.text import clean
from catalog.track_id import ACCEPTED_FORMS, LONGEST_TEXT
from catalog.tracks import State

if TYPE_CHECKING:
    from catalog.database import Executor

MOST_SEEDS: Final = 20

router = APIRouter()

WantedNow = Annotated[Wanted, Depends(wanted)]
FormNow = Annotated[Format, Depends(wanted_form)]


@router.get(
    "/recommend",
    summary="The tracks that sound like a track, or like several",
    response_model=Recommendation,
    dependencies=[Depends(only(*ONCE, often=("track", *OFTEN)))],
    responses=examples.responses(
        examples.RECOMMENDATION,
        examples.UNKNOWN,
        examples.REJECTED,
        examples.UNPARSABLE,
        examples.TOO_MANY,
        examples.UNKNOWN_TAG,
        examples.QUEUED,
        examples.DATABASE_AWAY,
        forms=examples.FORMS,
    ),
)
async def recommend(
    live: LiveNow,
    recommender: RecommenderNow,
    asked: WantedNow,
    form: FormNow,
    track: Annotated[
        list[Pasted],
        Query(
            min_length=1,
            max_length=MOST_SEEDS,
            description=f"What you have: {ACCEPTED_FORMS}. May be repeated",
            examples=[[examples.URN]],
        ),
    ],
) -> Response:
    """Answer with at most `n` tracks, never one that was asked about, never the same recording twice.

    Several tracks are taken as several examples of what is wanted: an answer sounds like at least one of them, and the
    more of them it sounds like the better. What lies between two different tracks and sounds like neither is no
    answer, as it would be if their middle were searched. Fewer answers come where the catalogue holds no more that
    are ready and admitted.
    """
    snapshot = live.snapshot()
    async with live.database() as db:
        seeds = [each.urn for each in await identify(db, track)]
        wishes = asked.wishes(snapshot.model, await identify(db, asked.exclude))
        answered = await _answered(db, recommender, snapshot, seeds, wishes)
    return shaped(Recommendation.of(answered, snapshot), form)


@router.get(
    "/playlists/{playlist:path}/recommend",
    summary="The tracks that fit a playlist",
    response_model=Recommendation,
    dependencies=[Depends(only(*ONCE, often=OFTEN))],
    responses=examples.responses(
        examples.PLAYLIST_RECOMMENDATION,
        examples.UNKNOWN_PLAYLIST,
        examples.UNPARSABLE_PLAYLIST,
        examples.TOO_MANY,
        examples.PLAYLIST_QUEUED,
        examples.DATABASE_AWAY,
        forms=examples.FORMS,
    ),
)
async def recommend_for_playlist(
    live: LiveNow,
    recommender: RecommenderNow,
    asked: WantedNow,
    form: FormNow,
    playlist: Annotated[
        str,
        Path(
            max_length=LONGEST_TEXT,
            description=f"A playlist that was crawled: {PLAYLIST_FORMS}",
            examples=[examples.PLAYLIST],
        ),
    ],
) -> Response:
    """Answer with at most `n` tracks that sound like tracks of a playlist and are not on it.

    Of a long playlist 20 tracks are asked about, evenly spaced over those that are ready.
    """
    snapshot = live.snapshot()
    try:
        urn = playlist_urn(clean(playlist))
    except InvalidPlaylistId as error:
        raise problems.unparsable_playlist(str(error)) from error
    async with live.database() as db:
        excluded = await identify(db, asked.exclude)
        found = await playlist_tracks(db, urn)
        if found is None:
            raise problems.unknown_playlist(urn)
        ready = [each for each, state in found.tracks.items() if state is State.READY]
        if not ready:
            raise problems.playlist_not_ready(urn, found.counts)
        wishes = asked.wishes(snapshot.model, excluded).without(found.tracks)
        answered = await _answered(db, recommender, snapshot, _spaced(ready), wishes)
    summary = PlaylistSummary(urn=urn, title=found.playlist.title, tracks=len(found.tracks), ready=len(ready))
    return shaped(Recommendation.of(answered, snapshot, summary), form)


async def _answered(
    db: "Executor", recommender: Recommender, snapshot: Snapshot, seeds: list[str], wishes: Wishes
) -> Answered:
    lookup = partial(known_tracks, db, model=snapshot.model.model)
    try:
        try:
            return await recommender.answer(lookup, snapshot, seeds, wishes)
        except NotInSpace as missing:
            # Committed a moment ago, or not ready at all; that is seen here.
            known = await lookup(missing.urns)
            raw = {}
            for urn in missing.urns:
                heard = known.get(urn)
                ready = heard is not None and heard.state is State.READY
                vector = await raw_vector(db, urn, snapshot.model.model) if ready else None
                if vector is None:
                    raise NotShown(urn, heard) from missing
                raw[urn] = vector
            return await recommender.answer(lookup, snapshot, seeds, wishes, raw=raw)
    except NotShown as error:
        raise _problem(error.urn, error.heard) from error


def _problem(urn: str, heard: HeardTrack | None) -> problems.Problem:
    return problems.unknown_track(urn) if heard is None else problems.not_ready(urn, heard.state, heard.reason)


def _spaced(urns: list[str]) -> list[str]:
    count = min(len(urns), MOST_SEEDS)
    return [urns[number * len(urns) // count] for number in range(count)]
