"""The tracks that results are not to sound like, which the parameter `not_like` of every recommendation names."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from soundalike.api import problems
from soundalike.api.errors import NoTasteData
from soundalike.api.recommendation_query import RecommendationQuery
from soundalike.api.repository import Repository
from soundalike.api.routes.query_parameters import invalid_parameter
from soundalike.api.seed_resolver import SeedResolver
from soundalike.api.seeds import TrackSeeds
from soundalike.api.snapshot import Snapshot
from soundalike.db import track_references
from soundalike.similarity.taste.version import TasteVersion

if TYPE_CHECKING:
    from soundalike.db.database import Executor


async def counterexample_urns(db: "Executor", texts: Sequence[str], seeds: Collection[str] = ()) -> list[str]:
    """Return the tracks that texts name, each once; raises `InvalidTrackId`, and `Problem` for one of `seeds`."""
    urns = [track.urn for track in await track_references.resolve_all(db, texts)]
    if both := [urn for urn in urns if urn in seeds]:
        raise invalid_parameter("not_like", f"{', '.join(both)}: also given as track; leave one of them out")
    return urns


async def resolve_counterexamples(
    seed_resolver: SeedResolver,
    db: "Executor",
    snapshot: Snapshot,
    urns: Sequence[str],
    query: RecommendationQuery,
    taste: TasteVersion | None = None,
) -> TrackSeeds | None:
    """Return what is known of tracks, None where there are none; raises `SeedNotReady`, `Problem`."""
    if not urns:
        return None
    try:
        return await seed_resolver.resolve_tracks(Repository(db, snapshot.model.model), snapshot, urns, query, taste)
    except NoTasteData as error:
        raise problems.no_taste_data(urns[0], "try by=both or by=sound") from error
