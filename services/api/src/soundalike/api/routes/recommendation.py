"""`GET /recommend`: tracks that sound like others, fit a playlist, or suit a user."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from soundalike.api import openapi_examples, problems
from soundalike.api.errors import NoTasteData
from soundalike.api.platform_connection import PlatformConnection
from soundalike.api.recommendation_query import By, RecommendationQuery
from soundalike.api.recommender import RecommendationResult, Recommender
from soundalike.api.repository import Repository
from soundalike.api.routes.counterexamples import counterexample_urns, resolve_counterexamples
from soundalike.api.routes.dependencies import PlatformDep, RecommenderDep, SeedResolverDep, accept_only
from soundalike.api.routes.query_parameters import (
    REPEATABLE,
    SIGNAL_NAMES,
    SINGLE,
    QueryParameters,
    SignalParameters,
    TrackText,
    invalid_parameter,
    query_parameters,
    signal_parameters,
)
from soundalike.api.routes.response_format import ResponseWriter, response_writer
from soundalike.api.routes.users import parse_user
from soundalike.api.schemas.recommendation import PlaylistSummary, Recommendation, UserSummary
from soundalike.api.seed_resolver import SeedResolver
from soundalike.api.snapshot import Snapshot
from soundalike.db import playlist_tracks, track_references
from soundalike.db.similar_users import favorites_of
from soundalike.db.tracks import State
from soundalike.domain.playlist_id import ACCEPTED_FORMS as PLAYLIST_FORMS
from soundalike.domain.playlist_id import playlist_urn
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.text import clean
from soundalike.domain.track_id import ACCEPTED_FORMS
from soundalike.domain.user_id import ACCEPTED_FORMS as USER_FORMS
from soundalike.errors import InvalidPlaylistId
from soundalike.similarity.taste.version import TasteVersion

if TYPE_CHECKING:
    from soundalike.db.database import Executor

MAX_SEEDS: Final = 20
MAX_FAVORITES: Final = 5_000
"""Of a user with more, the newest count, and are left out of the results."""

router = APIRouter()

QueryParametersDep = Annotated[QueryParameters, Depends(query_parameters)]
SignalParametersDep = Annotated[SignalParameters, Depends(signal_parameters)]
WriterDep = Annotated[ResponseWriter, Depends(response_writer)]


@router.get(
    "/recommend",
    summary="Tracks similar to one or several tracks, by sound or by favourites; recommendations for a user",
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
    platform: PlatformDep,
    seed_resolver: SeedResolverDep,
    recommender: RecommenderDep,
    parameters: QueryParametersDep,
    writer: WriterDep,
    signals: SignalParametersDep,
    track: Annotated[
        list[TrackText],
        Query(
            max_length=MAX_SEEDS,
            description=f"A track to start from: {ACCEPTED_FORMS}. May be repeated",
            examples=[[openapi_examples.URN]],
        ),
    ] = [],  # noqa: B006 - never changed
    user: Annotated[
        str | None,
        Query(
            max_length=MAX_TEXT_LENGTH,
            description=f"Instead of tracks, an account to recommend to, by its favourites: {USER_FORMS}",
        ),
    ] = None,
) -> Response:
    """Return at most `n` tracks, never one of the request, and never the same recording twice.

    Several tracks are several examples: a result sounds like at least one of them, and the more of them it sounds like
    the better. A track halfway between two different examples that sounds like neither is no result, as it would be if
    their average were searched. There are fewer results if the catalogue holds no more tracks that are ready and pass
    the filters.

    By taste, tracks are similar that the same people favourite on SoundCloud; such results need no audio analysis. For
    a user, the results go with their favourites and are none of them.
    """
    if bool(track) == (user is not None):
        raise problems.invalid_request(
            [{"parameter": "track", "message": "expected either track, once or more, or user"}]
        )
    if user is not None:
        recommendation = await _recommend_for_user(platform, seed_resolver, recommender, parameters, signals, user)
        return await writer.respond(platform, recommendation)
    snapshot = platform.snapshot()
    async with platform.database() as db:
        urns = [each.urn for each in await track_references.resolve_all(db, track)]
        not_like = await counterexample_urns(db, parameters.not_like, urns)
        query = parameters.to_query(snapshot.model, await track_references.resolve_all(db, parameters.exclude), signals)
        taste = None if query.by is By.SOUND else platform.taste()
        result = await _recommend_for_tracks(seed_resolver, recommender, db, snapshot, urns, not_like, query, taste)
    return await writer.respond(platform, Recommendation.of(result, snapshot, taste=taste))


@router.get(
    "/playlists/{playlist:path}/recommend",
    summary="Tracks that fit a playlist",
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
    platform: PlatformDep,
    seed_resolver: SeedResolverDep,
    recommender: RecommenderDep,
    parameters: QueryParametersDep,
    writer: WriterDep,
    signals: SignalParametersDep,
    playlist: Annotated[
        str,
        Path(
            max_length=MAX_TEXT_LENGTH,
            description=f"A playlist that was crawled: {PLAYLIST_FORMS}",
            examples=[openapi_examples.PLAYLIST],
        ),
    ],
) -> Response:
    """Return at most `n` tracks that sound like tracks of a playlist and are not in it.

    Of a long playlist 20 tracks are compared, evenly spaced over those that are ready.
    """
    snapshot = platform.snapshot()
    try:
        urn = playlist_urn(clean(playlist))
    except InvalidPlaylistId as error:
        raise problems.unparsable_playlist(str(error)) from error
    async with platform.database() as db:
        excluded = await track_references.resolve_all(db, parameters.exclude)
        contents = await playlist_tracks.get(db, urn)
        if contents is None:
            raise problems.unknown_playlist(urn)
        ready = [each for each, state in contents.tracks.items() if state is State.READY]
        if not ready:
            raise problems.playlist_not_ready(urn, contents.counts)
        not_like = await counterexample_urns(db, parameters.not_like)
        seeds = [each for each in ready if each not in not_like]
        if not seeds:
            raise invalid_parameter("not_like", "names every track of the playlist that is ready")
        query = parameters.to_query(snapshot.model, excluded, signals).without(contents.tracks)
        taste = None if query.by is By.SOUND else platform.taste()
        urns = _evenly_spaced(seeds, MAX_SEEDS)
        result = await _recommend_for_tracks(seed_resolver, recommender, db, snapshot, urns, not_like, query, taste)
    summary = PlaylistSummary(
        urn=urn, title=clean(contents.playlist.title), tracks=len(contents.tracks), ready=len(ready)
    )
    return await writer.respond(platform, Recommendation.of(result, snapshot, summary, taste=taste))


async def _recommend_for_tracks(
    seed_resolver: SeedResolver,
    recommender: Recommender,
    db: "Executor",
    snapshot: Snapshot,
    urns: Sequence[str],
    not_like: Sequence[str],
    query: RecommendationQuery,
    taste: TasteVersion | None,
) -> RecommendationResult:
    repository = Repository(db, snapshot.model.model)
    try:
        seeds = await seed_resolver.resolve_tracks(repository, snapshot, urns, query, taste)
    except NoTasteData as error:
        raise problems.no_taste_data(urns[0], "try by=both or by=sound") from error
    counterexamples = await resolve_counterexamples(seed_resolver, db, snapshot, not_like, query, taste)
    return await recommender.recommend(repository, snapshot, seeds, query, counterexamples)


async def _recommend_for_user(
    platform: PlatformConnection,
    seed_resolver: SeedResolver,
    recommender: Recommender,
    parameters: QueryParameters,
    signals: SignalParameters,
    user: str,
) -> Recommendation:
    urn, snapshot = parse_user(user), platform.snapshot()
    signals = replace(signals, by=signals.by or By.TASTE)
    taste = None if signals.by is By.SOUND else platform.taste()
    async with platform.database() as db:
        excluded = await track_references.resolve_all(db, parameters.exclude)
        favorites = await favorites_of(db, urn, limit=MAX_FAVORITES)
        if favorites is None:
            raise problems.unknown_user(urn)
        not_like = await counterexample_urns(db, parameters.not_like)
        query = parameters.to_query(snapshot.model, excluded, signals).without(favorites)
        examples = [each for each in favorites if each not in not_like]
        try:
            seeds = await seed_resolver.resolve_favorites(snapshot, examples, query, taste, max_vectors=MAX_SEEDS)
        except NoTasteData as error:
            crawl = "crawl more accounts: make crawl SOUNDCLOUD=<address>"
            remedy = f"try by=both, or {crawl}" if query.by is By.TASTE else crawl
            raise problems.no_taste_data(urn, remedy) from error
        counterexamples = await resolve_counterexamples(seed_resolver, db, snapshot, not_like, query, taste)
        repository = Repository(db, snapshot.model.model)
        result = await recommender.recommend(repository, snapshot, seeds, query, counterexamples)
    summary = UserSummary(urn=urn, favorites=len(favorites))
    return Recommendation.of(result, snapshot, user=summary, taste=taste)


def _evenly_spaced(urns: Sequence[str], limit: int) -> list[str]:
    count = min(len(urns), limit)
    return [urns[number * len(urns) // count] for number in range(count)]
