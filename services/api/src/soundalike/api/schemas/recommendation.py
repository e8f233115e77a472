"""The JSON of a recommendation."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, Field

from soundalike.api.explanation import LAYERS, Signal
from soundalike.api.recommender import RecommendationResult
from soundalike.api.schemas.tracks import EXAMPLE_URN, TrackSummary, track_fields
from soundalike.api.snapshot import Snapshot
from soundalike.db.catalogue_tracks import CatalogueTrack
from soundalike.domain.tags import distinctive
from soundalike.similarity.taste.version import TasteVersion

SCORE: Final = (
    "How similar it sounds, 0 to 1. The odds score / (1 - score) say how much more often this similarity occurs "
    "between tracks of one album than between unrelated tracks: 0.5 is equally often, 0.8 four times, 0.95 nineteen "
    "times. Unrelated tracks are around 0.4. It is computed from the cosine of the two projected vectors, relative to "
    "the cosines that either has with music in general (so tracks that are near to everything do not profit), and "
    "calibrated on albums. The scale belongs to the model and is the same for every index version. With several seeds "
    "the odds are averaged. With `not_like` they are divided by the odds with the nearest of these tracks where those "
    "exceed 1. It never increases with the rank"
)


class Result(TrackSummary):
    """One recommended track."""

    rank: Annotated[int, Field(ge=1, description="1 is the best", examples=[1])]
    score: Annotated[float, Field(ge=0, le=1, description=SCORE, examples=[0.912345])]
    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[212546])]
    seed: Annotated[
        str | None,
        Field(
            description="The seed that it is most similar to; the next fields compare the two",
            examples=[EXAMPLE_URN],
        ),
    ]
    shared_tags: Annotated[
        list[str],
        Field(
            description="All tags that it shares with the seed, in the order of the seed's tags",
            examples=[["electronic"]],
        ),
    ]
    alike: Annotated[
        dict[str, float],
        Field(
            description=f"How similar it is to the seed in each layer of the network, {', '.join(LAYERS)}: the share "
            "of random pairs of tracks that are less similar there. The layers cover 0.1 s, 0.3 s, 1.7 s, 7 s and the "
            "whole passage at once, and are named by what can be heard in that time. Empty for a model without layers",
            examples=[{"texture": 0.91, "attack": 0.94, "rhythm": 0.99, "phrasing": 0.97, "character": 0.88}],
        ),
    ]
    why: Annotated[
        str,
        Field(
            description="The comparison in a sentence",
            examples=["Similar in rhythm and phrasing; both electronic."],
        ),
    ]
    by: Annotated[
        list[Signal],
        Field(description="The signals that it was found by", examples=[["sound", "taste"]]),
    ]
    scores: Annotated[
        dict[Signal, float],
        Field(
            description="The score of each of these signals alone. That of taste is 0.8 where the two are four times "
            "as similar, by who favourites them, as two tracks usually are. `score` combines both: their odds, "
            "score / (1 - score), are multiplied, each to the power of its weight; a signal without data on a track "
            "counts as 0.5",
            examples=[{"sound": 0.912345, "taste": 0.953201}],
        ),
    ]


class IndexInfo(BaseModel):
    """The index that was searched."""

    model: Annotated[str, Field(description="The model whose vectors are compared", examples=["choi-m1-fixed-1"])]
    version: Annotated[
        str | None,
        Field(
            description="The index version; null while everything is searched exactly", examples=["20261121T060000Z"]
        ),
    ]
    tracks: Annotated[int, Field(ge=0, description="Tracks in the index version", examples=[3999])]
    tail: Annotated[int, Field(ge=0, description="Tracks newer than it, searched exactly", examples=[12])]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "IndexInfo":
        """Describe a snapshot."""
        return cls(
            model=snapshot.model.model,
            version=snapshot.version_name,
            tracks=snapshot.indexed,
            tail=len(snapshot.tail),
        )


class TasteInfo(BaseModel):
    """The favourites that were searched."""

    version: Annotated[str, Field(examples=["20261121T060000.000Z"])]
    tracks: Annotated[int, Field(ge=0, description="Tracks that two or more people favourite", examples=[4712])]
    favorites: Annotated[int, Field(ge=0, description="How many favourites it was built from", examples=[300_000])]

    @classmethod
    def of(cls, version: TasteVersion) -> "TasteInfo":
        """Describe a version."""
        manifest = version.manifest
        return cls(version=manifest.version, tracks=manifest.tracks, favorites=manifest.favorites)


class UserSummary(BaseModel):
    """The account that the recommendation is for."""

    urn: Annotated[str, Field(examples=["soundcloud:users:3000000001"])]
    favorites: Annotated[int, Field(ge=0, description="How many of its favourites are known", examples=[31])]


class PlaylistSummary(BaseModel):
    """A playlist as it was crawled."""

    urn: Annotated[str, Field(examples=["spotify:playlist:37i9dQZF1DXcBWIGoYBM5M"])]
    title: Annotated[str, Field(examples=["Friday evening"])]
    tracks: Annotated[int, Field(ge=0, description="How many different tracks it holds", examples=[48])]
    ready: Annotated[int, Field(ge=0, description="How many of them can be compared", examples=[45])]


class Recommendation(BaseModel):
    """The tracks that sound like the seeds, or that the same people favourite, best first."""

    seeds: Annotated[list[TrackSummary], Field(description="The tracks that were requested")]
    not_like: Annotated[list[TrackSummary], Field(description="The tracks that the results are not to sound like")] = []
    playlist: Annotated[PlaylistSummary | None, Field(description="The playlist, if one was requested")] = None
    user: Annotated[UserSummary | None, Field(description="The account, if one was requested")] = None
    index: IndexInfo
    taste: Annotated[
        TasteInfo | None, Field(description="The favourites that were searched, if taste was requested")
    ] = None
    shortage: Annotated[
        str | None,
        Field(
            description="Why there are fewer results than requested, in a sentence; null where there are not. A track "
            "that several limits leave out is counted once",
            examples=[None],
        ),
    ] = None
    results: list[Result]

    @classmethod
    def of(
        cls,
        result: RecommendationResult,
        snapshot: Snapshot,
        playlist: PlaylistSummary | None = None,
        *,
        user: UserSummary | None = None,
        taste: TasteVersion | None = None,
    ) -> "Recommendation":
        """Convert a result, best first, with ranks from 1."""
        mean_tags = snapshot.model.mean_tag_probabilities
        return cls(
            seeds=[_summary(seed, mean_tags) for seed in result.seeds],
            not_like=[_summary(each, mean_tags) for each in result.counterexamples],
            playlist=playlist,
            user=user,
            index=IndexInfo.of(snapshot),
            taste=TasteInfo.of(taste) if taste is not None else None,
            shortage=result.shortage,
            results=[
                Result(
                    **track_fields(each.track, tags=each.tags),
                    rank=rank,
                    score=each.score,
                    seed=each.seed,
                    shared_tags=list(each.shared_tags),
                    alike=dict(each.layer_similarity),
                    why=each.explanation,
                    by=list(each.signal_scores),
                    scores=dict(each.signal_scores),
                )
                for rank, each in enumerate(result.tracks, 1)
            ],
        )


def _summary(entry: CatalogueTrack, mean_tags: Sequence[float] | None) -> TrackSummary:
    return TrackSummary.of(entry.track, distinctive(entry.tag_probabilities, mean_tags))
