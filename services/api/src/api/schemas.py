"""The JSON that the API answers with."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.answers import Answer, score_of
from api.lookups import HeardTrack
from api.snapshot import Snapshot
from catalog.tags import SHOWN, held
from catalog.tracks import State, StoredTrack, Track


class TrackSummary(BaseModel):
    """A track as it is shown to people; `link` leads back to where it can be heard in full."""

    urn: Annotated[str, Field(description="The track's one name in the catalogue", examples=["deezer:track:3135556"])]
    title: Annotated[str, Field(examples=["Harder, Better, Faster, Stronger"])]
    artists: Annotated[list[str], Field(examples=[["Daft Punk"]])]
    album: Annotated[str | None, Field(examples=["Discovery"])]
    link: Annotated[str | None, Field(examples=["https://www.deezer.com/track/3135556"])]
    source: Annotated[str, Field(description="spotify, deezer, soundcloud or file", examples=["deezer"])]
    tags: Annotated[
        list[str],
        Field(
            description=f"What is heard in it and not in most music, the most telling first, at most {SHOWN}",
            examples=[["electronic", "dance"]],
        ),
    ]

    @classmethod
    def of(cls, track: Track, tags: Sequence[str]) -> "TrackSummary":
        """Show a track and the first of the tags that it holds."""
        return cls(**_shown(track, tags))


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
    shared_tags: Annotated[
        list[str],
        Field(
            description="All tags that it holds as well as the query, the query's most telling first",
            examples=[["electronic"]],
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
        asked = held(query.tag_probabilities, snapshot.model.usual_tags)
        return cls(
            query=TrackSummary.of(query.track, asked),
            index=IndexInfo.of(snapshot),
            results=[
                Result(
                    rank=rank,
                    score=score_of(answer.cosine),
                    shared_tags=[tag for tag in asked if tag in answer.tags],
                    **_shown(answer.track, answer.tags),
                )
                for rank, answer in enumerate(answers, 1)
            ],
        )


class TrackDetails(TrackSummary):
    """Everything the catalogue says about a track, and where it stands on its way to being recommendable."""

    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[224693])]
    isrc: Annotated[str | None, Field(examples=["GBDUW0000059"])]
    source_tags: Annotated[
        list[str], Field(description="What its source says of it, unread by us", examples=[["electro house"]])
    ]
    state: Annotated[State, Field(examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, where there is more to say")]
    preview_provider: Annotated[str | None, Field(description="Who offered the preview", examples=["deezer"])]
    match_method: Annotated[str | None, Field(description="How the preview was found", examples=["isrc"])]

    @classmethod
    def of_stored(cls, stored: StoredTrack, tags: Sequence[str]) -> "TrackDetails":
        """Show a track with its state and the first of the tags that it holds."""
        return cls(
            **_shown(stored.track, tags),
            duration_ms=stored.track.duration_ms,
            isrc=stored.track.isrc,
            source_tags=list(stored.track.tags),
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


def _shown(track: Track, tags: Sequence[str]) -> dict[str, Any]:
    return {
        "urn": track.id.urn,
        "title": track.title,
        "artists": list(track.artists),
        "album": track.album,
        "link": track.link,
        "source": track.id.source,
        "tags": list(tags[:SHOWN]),
    }
