"""`GET /recommend`: the tracks that sound like one track or several, or fit a playlist."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from soundalike.api import openapi_examples, problems
from soundalike.api.errors import NoTasteData, NotInSpace, SeedNotReady
from soundalike.api.platform_connection import PlatformConnection
from soundalike.api.playlist_formats import Format
from soundalike.api.recommendation_query import By, RecommendationQuery
from soundalike.api.recommender import RecommendationResult, Recommender
from soundalike.api.routes.dependencies import PlatformDep, RecommenderDep, accept_only
from soundalike.api.routes.query_parameters import (
    REPEATABLE,
    SIGNAL_NAMES,
    SINGLE,
    QueryParameters,
    SignalParameters,
    TrackText,
    format_response,
    query_parameters,
    response_format,
    signal_parameters,
)
from soundalike.api.routes.users import parse_user
from soundalike.api.schemas.answers import PlaylistSummary, Recommendation, UserSummary
from soundalike.api.snapshot import Snapshot
from soundalike.db import catalogue_tracks, embeddings, playlist_tracks, track_references
from soundalike.db.catalogue_tracks import CatalogueTrack
from soundalike.db.similar_users import favorites_of
from soundalike.db.tracks import State
from soundalike.domain.playlist_id import ACCEPTED_FORMS as PLAYLIST_FORMS
from soundalike.domain.playlist_id import playlist_urn
from soundalike.domain.text import clean
from soundalike.domain.track_id import ACCEPTED_FORMS, LONGEST_TEXT, TrackId
from soundalike.domain.user_id import ACCEPTED_FORMS as USER_FORMS
from soundalike.errors import InvalidPlaylistId
from soundalike.similarity.taste.version import TasteVersion

if TYPE_CHECKING:
    from soundalike.db.database import Executor

MAX_SEEDS: Final = 20
MAX_FAVORITES: Final = 5_000
"""Of a user with more, those that were seen last count, and are kept out of the answers."""

router = APIRouter()

WantedNow = Annotated[QueryParameters, Depends(query_parameters)]
SignalsNow = Annotated[SignalParameters, Depends(signal_parameters)]
FormNow = Annotated[Format, Depends(response_format)]


@router.get(
    "/recommend",
    summary="The tracks that sound like a track or several, or go with it by taste; suggestions for a user",
    response_model=Recommendation,
    dependencies=[Depends(accept_only("user", *SIGNAL_NAMES, *SINGLE, repeatable=("track", *REPEATABLE)))],
    responses=openapi_examples.responses(
        openapi_examples.RECOMMENDATION,
        openapi_examples.UNKNOWN,
        openapi_examples.REJECTED,
        openapi_examples.NO_TASTE_DATA,
        openapi_examples.UNKNOWN_USER,
        openapi_examples.UNPARSABLE,
        openapi_examples.UNPARSABLE_USER,
        openapi_examples.TOO_MANY,
        openapi_examples.UNKNOWN_TAG,
        openapi_examples.QUEUED,
        openapi_examples.DATABASE_UNAVAILABLE,
        other_formats=openapi_examples.OTHER_FORMATS,
    ),
)
async def recommend(
    live: PlatformDep,
    recommender: RecommenderDep,
    asked: WantedNow,
    form: FormNow,
    signals: SignalsNow,
    track: Annotated[
        list[TrackText],
        Query(
            max_length=MAX_SEEDS,
            description=f"What you have: {ACCEPTED_FORMS}. May be repeated",
            examples=[[openapi_examples.URN]],
        ),
    ] = [],  # noqa: B006 - never changed
    user: Annotated[
        str | None,
        Query(
            max_length=LONGEST_TEXT,
            description=f"Instead of tracks, whom to suggest something to, by favourites: {USER_FORMS}",
        ),
    ] = None,
) -> Response:
    """Answer with at most `n` tracks, never one that was asked about, never the same recording twice.

    Several tracks are taken as several examples of what is wanted: an answer sounds like at least one of them, and the
    more of them it sounds like the better. What lies between two different tracks and sounds like neither is no
    answer, as it would be if their middle were searched. Fewer answers come where the catalogue holds no more that
    are ready and admitted.

    By taste, tracks are alike that the same people favourite on SoundCloud; such answers need not have been heard.
    For a user the answers go with what they favourite, and are none of it.
    """
    if bool(track) == (user is not None):
        raise problems.invalid_request([{"parameter": "track", "message": "give track, once or more, or else user"}])
    snapshot = live.snapshot()
    if user is not None:
        return format_response(await _suggested(live, recommender, asked, signals, user), form)
    async with live.database() as db:
        seeds = [each.urn for each in await track_references.resolve_all(db, track)]
        wishes = asked.to_query(snapshot.model, await track_references.resolve_all(db, asked.exclude), signals)
        taste = None if wishes.by is By.SOUND else live.taste()
        answered = await _answered(db, recommender, snapshot, seeds, wishes, taste)
    return format_response(Recommendation.of(answered, snapshot, taste=taste), form)


@router.get(
    "/playlists/{playlist:path}/recommend",
    summary="The tracks that fit a playlist",
    response_model=Recommendation,
    dependencies=[Depends(accept_only(*SIGNAL_NAMES, *SINGLE, repeatable=REPEATABLE))],
    responses=openapi_examples.responses(
        openapi_examples.PLAYLIST_RECOMMENDATION,
        openapi_examples.UNKNOWN_PLAYLIST,
        openapi_examples.NO_TASTE_DATA,
        openapi_examples.UNPARSABLE_PLAYLIST,
        openapi_examples.TOO_MANY,
        openapi_examples.PLAYLIST_QUEUED,
        openapi_examples.DATABASE_UNAVAILABLE,
        other_formats=openapi_examples.OTHER_FORMATS,
    ),
)
async def recommend_for_playlist(
    live: PlatformDep,
    recommender: RecommenderDep,
    asked: WantedNow,
    form: FormNow,
    signals: SignalsNow,
    playlist: Annotated[
        str,
        Path(
            max_length=LONGEST_TEXT,
            description=f"A playlist that was crawled: {PLAYLIST_FORMS}",
            examples=[openapi_examples.PLAYLIST],
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
        excluded = await track_references.resolve_all(db, asked.exclude)
        found = await playlist_tracks.get(db, urn)
        if found is None:
            raise problems.unknown_playlist(urn)
        ready = [each for each, state in found.tracks.items() if state is State.READY]
        if not ready:
            raise problems.playlist_not_ready(urn, found.counts)
        wishes = asked.to_query(snapshot.model, excluded, signals).without(found.tracks)
        taste = None if wishes.by is By.SOUND else live.taste()
        answered = await _answered(db, recommender, snapshot, _spaced(ready), wishes, taste)
    summary = PlaylistSummary(urn=urn, title=found.playlist.title, tracks=len(found.tracks), ready=len(ready))
    return format_response(Recommendation.of(answered, snapshot, summary, taste=taste), form)


async def _suggested(
    live: PlatformConnection, recommender: Recommender, asked: QueryParameters, signals: SignalParameters, user: str
) -> Recommendation:
    urn, snapshot = parse_user(user), live.snapshot()
    signals = replace(signals, by=signals.by or By.TASTE)
    taste = None if signals.by is By.SOUND else live.taste()
    async with live.database() as db:
        excluded = await track_references.resolve_all(db, asked.exclude)
        favorites = await favorites_of(db, urn, limit=MAX_FAVORITES)
        if favorites is None:
            raise problems.unknown_user(urn)
        wishes = asked.to_query(snapshot.model, excluded, signals).without(favorites)
        try:
            answered = await recommender.answer_favorites(
                partial(catalogue_tracks.get_many, db, model=snapshot.model.model),
                snapshot,
                favorites,
                wishes,
                taste=taste,
                most=MAX_SEEDS,
            )
        except NoTasteData as error:
            remedy = (
                "ask by=both, or walk further" if signals.by is By.TASTE else "walk further: make crawl SOUNDCLOUD=…"
            )
            raise problems.no_taste_data(urn, remedy) from error
    summary = UserSummary(urn=urn, favorites=len(favorites))
    return Recommendation.of(answered, snapshot, user=summary, taste=taste)


async def _answered(
    db: "Executor",
    recommender: Recommender,
    snapshot: Snapshot,
    seeds: list[str],
    wishes: RecommendationQuery,
    taste: TasteVersion | None,
) -> RecommendationResult:
    lookup = partial(catalogue_tracks.get_many, db, model=snapshot.model.model)
    try:
        try:
            return await recommender.answer(lookup, snapshot, seeds, wishes, taste=taste)
        except NoTasteData as error:
            known = await lookup(seeds)
            for urn in seeds:
                heard = known.get(urn)
                if heard is None or heard.state is State.FORGOTTEN:
                    raise SeedNotReady(urn, heard) from error
            raise problems.no_taste_data(seeds[0], "ask by=both, or by=sound") from error
        except NotInSpace as missing:
            # Committed a moment ago, or not ready at all; that is seen here.
            known = await lookup(missing.urns)
            raw = {}
            for urn in missing.urns:
                heard = known.get(urn)
                ready = heard is not None and heard.state is State.READY
                vector = await embeddings.vector_of(db, TrackId.from_urn(urn), snapshot.model.model) if ready else None
                if vector is None:
                    raise SeedNotReady(urn, heard) from missing
                raw[urn] = vector
            return await recommender.answer(lookup, snapshot, seeds, wishes, raw=raw, taste=taste)
    except SeedNotReady as error:
        raise _problem(error.urn, error.track) from error


def _problem(urn: str, heard: CatalogueTrack | None) -> problems.Problem:
    return problems.unknown_track(urn) if heard is None else problems.not_ready(urn, heard.state, heard.reason)


def _spaced(urns: list[str]) -> list[str]:
    count = min(len(urns), MAX_SEEDS)
    return [urns[number * len(urns) // count] for number in range(count)]
