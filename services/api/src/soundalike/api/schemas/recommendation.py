"""The JSON of a recommendation."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from soundalike.api.explanation import LAYERS, Signal
from soundalike.api.recommender import RecommendationResult
from soundalike.api.schemas.tracks import EXAMPLE_URN, TrackSummary, track_fields
from soundalike.api.snapshot import Snapshot
from soundalike.domain.tags import distinctive
from soundalike.similarity.taste.version import TasteVersion

SCORE: Final = (
    "How alike it sounds. The chance that two tracks as alike as these stand on one album, if one pair in two did: 0.5 "
    "says nothing either way, 0.8 is four times as common on one album as between strangers, 0.95 nineteen times. "
    "Unrelated tracks lie around 0.4. It comes from the cosine of the two projected vectors, seen in relation to the "
    "cosines that either has with music in general (so that tracks near to everything gain nothing by it), and was "
    "calibrated on albums. The scale is that of the model, the same for every index version. With several seeds the "
    "odds, score / (1 - score), are averaged. It never rises with the rank"
)


class Result(TrackSummary):
    """One recommended track."""

    rank: Annotated[int, Field(ge=1, description="1 sounds most alike", examples=[1])]
    score: Annotated[float, Field(ge=0, le=1, description=SCORE, examples=[0.912345])]
    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[212546])]
    seed: Annotated[
        str | None,
        Field(
            description="The track asked about that it is most like, which the next fields tell of",
            examples=[EXAMPLE_URN],
        ),
    ]
    shared_tags: Annotated[
        list[str],
        Field(
            description="All tags that it holds as well as the seed, the seed's most telling first",
            examples=[["electronic"]],
        ),
    ]
    alike: Annotated[
        dict[str, float],
        Field(
            description=f"How alike it is to the seed in each layer of the network, {', '.join(LAYERS)}: the share of "
            "random pairs of tracks that are less alike there. The layers overlook 0.1 s, 0.3 s, 1.7 s, 7 s and the "
            "whole passage at once, and are named by what can be heard in that time. Empty for a model without them",
            examples=[{"texture": 0.91, "attack": 0.94, "rhythm": 0.99, "phrasing": 0.97, "character": 0.88}],
        ),
    ]
    why: Annotated[
        str,
        Field(
            description="The same in a sentence",
            examples=["Alike above all in rhythm and phrasing; both electronic."],
        ),
    ]
    by: Annotated[
        list[Signal],
        Field(description="The signals that it came from", examples=[["sound", "taste"]]),
    ]
    scores: Annotated[
        dict[Signal, float],
        Field(
            description="What each of these signals says alone. That of taste is 0.8 where the two are four times as "
            "similar, by who favourites them, as two tracks usually are. `score` is made of both: their odds, "
            "score / (1 - score), are multiplied, each to the power of its weight; a signal that says nothing of a "
            "track counts as 0.5",
            examples=[{"sound": 0.912345, "taste": 0.953201}],
        ),
    ]


class IndexInfo(BaseModel):
    """What was searched."""

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
    """What was known of taste."""

    version: Annotated[str, Field(examples=["20261121T060000.000Z"])]
    tracks: Annotated[int, Field(ge=0, description="Tracks that two or more people favourite", examples=[4712])]
    favorites: Annotated[int, Field(ge=0, description="How many favourites it was built of", examples=[300_000])]

    @classmethod
    def of(cls, version: TasteVersion) -> "TasteInfo":
        """Describe a version."""
        manifest = version.manifest
        return cls(version=manifest.version, tracks=manifest.tracks, favorites=manifest.favorites)


class UserSummary(BaseModel):
    """The account that suggestions are for."""

    urn: Annotated[str, Field(examples=["soundcloud:users:3000000001"])]
    favorites: Annotated[int, Field(ge=0, description="How many of its favourites are known", examples=[31])]


class PlaylistSummary(BaseModel):
    """A playlist as it was crawled."""

    urn: Annotated[str, Field(examples=["spotify:playlist:37i9dQZF1DXcBWIGoYBM5M"])]
    title: Annotated[str, Field(examples=["Friday evening"])]
    tracks: Annotated[int, Field(ge=0, description="How many different tracks it holds", examples=[48])]
    ready: Annotated[int, Field(ge=0, description="How many of them can be compared", examples=[45])]


class Recommendation(BaseModel):
    """The tracks that sound like the seeds, or go with them by taste, best first."""

    seeds: Annotated[list[TrackSummary], Field(description="What was asked about")]
    playlist: Annotated[PlaylistSummary | None, Field(description="The playlist, if one was asked about")] = None
    user: Annotated[UserSummary | None, Field(description="The account, if one was asked for")] = None
    index: IndexInfo
    taste: Annotated[TasteInfo | None, Field(description="What was known of taste, if it was asked for")] = None
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
        """Show the answers, best first, with ranks from 1."""
        mean_tags = snapshot.model.mean_tag_probabilities
        return cls(
            seeds=[
                TrackSummary.of(seed.track, distinctive(seed.tag_probabilities, mean_tags)) for seed in result.seeds
            ],
            playlist=playlist,
            user=user,
            index=IndexInfo.of(snapshot),
            taste=TasteInfo.of(taste) if taste is not None else None,
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
