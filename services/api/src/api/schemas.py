"""The JSON that the API answers with."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.answers import Answer, score_of
from api.lookups import HeardTrack
from api.snapshot import Snapshot
from catalog.tracks import State, StoredTrack, Track


class TrackSummary(BaseModel):
    """A track as it is shown to people; `link` leads back to where it can be heard in full."""

    urn: Annotated[str, Field(description="The track's one name in the catalogue", examples=["deezer:track:3135556"])]
    title: Annotated[str, Field(examples=["Harder, Better, Faster, Stronger"])]
    artists: Annotated[list[str], Field(examples=[["Daft Punk"]])]
    album: Annotated[str | None, Field(examples=["Discovery"])]
    link: Annotated[str | None, Field(examples=["https://www.deezer.com/track/3135556"])]
    source: Annotated[str, Field(description="spotify, deezer, soundcloud or file", examples=["deezer"])]

    @classmethod
    def of(cls, track: Track) -> "TrackSummary":
        """Show a track."""
        return cls(**_shown(track))


class Result(TrackSummary):
    """One recommended track."""

    rank: Annotated[int, Field(ge=1, description="1 sounds most alike", examples=[1])]
    score: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="How alike it sounds: (1 + cosine) / 2 of the two projected vectors; never rises with the rank",
            examples=[0.912345],
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


class Recommendation(BaseModel):
    """The tracks that sound like the query, best first."""

    query: TrackSummary
    index: IndexInfo
    results: list[Result]

    @classmethod
    def of(cls, query: HeardTrack, snapshot: Snapshot, answers: list[Answer]) -> "Recommendation":
        """Show the answers, best first, with ranks from 1."""
        return cls(
            query=TrackSummary.of(query.track),
            index=IndexInfo.of(snapshot),
            results=[
                Result(rank=rank, score=score_of(answer.cosine), **_shown(answer.track))
                for rank, answer in enumerate(answers, 1)
            ],
        )


class TrackDetails(TrackSummary):
    """Everything the catalogue says about a track, and where it stands on its way to being recommendable."""

    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[224693])]
    isrc: Annotated[str | None, Field(examples=["GBDUW0000059"])]
    tags: Annotated[list[str], Field(examples=[["electronic"]])]
    state: Annotated[State, Field(examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, where there is more to say")]
    preview_provider: Annotated[str | None, Field(description="Who offered the preview", examples=["deezer"])]
    match_method: Annotated[str | None, Field(description="How the preview was found", examples=["isrc"])]

    @classmethod
    def of_stored(cls, stored: StoredTrack) -> "TrackDetails":
        """Show a track with its state."""
        return cls(
            **_shown(stored.track),
            duration_ms=stored.track.duration_ms,
            isrc=stored.track.isrc,
            tags=list(stored.track.tags),
            state=stored.state,
            reason=stored.reason,
            preview_provider=stored.preview_provider,
            match_method=stored.match_method,
        )


class Health(BaseModel):
    """The process lives."""

    status: Annotated[str, Field(examples=["alive"])] = "alive"


class Readiness(BaseModel):
    """The database answers and the space is loaded."""

    status: Annotated[str, Field(examples=["ready"])] = "ready"
    index: IndexInfo


def _shown(track: Track) -> dict[str, Any]:
    return {
        "urn": track.id.urn,
        "title": track.title,
        "artists": list(track.artists),
        "album": track.album,
        "link": track.link,
        "source": track.id.source,
    }
