"""A track in JSON: the fields that every form of it has, and the forms for results, details, lists and requests."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field

from soundalike.db.search import Likeness, Match
from soundalike.db.tracks import State, StoredTrack, Track
from soundalike.domain.tags import MAX_SHOWN
from soundalike.domain.text import clean, clean_or_none

EXAMPLE_URN: Final = "deezer:track:3135556"


def track_fields(track: Track, *, tags: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a track by the names that they have in JSON; a model takes those that it declares.

    Names are cleaned once more: rows that were written before `domain.text.clean` took control characters away have
    them still.
    """
    return {
        "urn": track.id.urn,
        "title": clean(track.title),
        "artists": [clean(name) for name in track.artists],
        "album": clean_or_none(track.album),
        "link": clean_or_none(track.link),
        "source": track.id.source,
        "duration_ms": track.duration_ms,
        "isrc": clean_or_none(track.isrc),
        "tags": list(tags[:MAX_SHOWN]),
        "source_tags": [clean(tag) for tag in track.tags],
    }


class _TrackFields(BaseModel):
    urn: Annotated[str, Field(description="Identifier of the track in the catalogue", examples=[EXAMPLE_URN])]
    title: Annotated[str, Field(examples=["Harder, Better, Faster, Stronger"])]
    artists: Annotated[list[str], Field(examples=[["Daft Punk"]])]
    album: Annotated[str | None, Field(examples=["Discovery"])]
    link: Annotated[str | None, Field(examples=["https://www.deezer.com/track/3135556"])]
    source: Annotated[str, Field(description="spotify, deezer, soundcloud or file", examples=["deezer"])]


class TrackSummary(_TrackFields):
    """A track as it is shown to people; `link` leads back to where it can be heard in full."""

    tags: Annotated[
        list[str],
        Field(
            description=f"Tags that distinguish it from most music, the most distinctive first, at most {MAX_SHOWN}",
            examples=[["electronic", "dance"]],
        ),
    ]

    @classmethod
    def of(cls, track: Track, tags: Sequence[str]) -> "TrackSummary":
        """Show a track and the first of its tags."""
        return cls(**track_fields(track, tags=tags))


class RandomTracks(BaseModel):
    """Tracks that were drawn at random."""

    tracks: list[TrackSummary]


class TrackDetails(TrackSummary):
    """Everything the catalogue holds of a track, and its state."""

    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[224693])]
    isrc: Annotated[str | None, Field(examples=["GBDUW0000059"])]
    source_tags: Annotated[
        list[str], Field(description="The tags that its source gives it, unchanged", examples=[["electro house"]])
    ]
    state: Annotated[State, Field(examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, if there is more to say")]
    preview_provider: Annotated[
        str | None, Field(description="The service that offers the preview", examples=["deezer"])
    ]
    match_method: Annotated[str | None, Field(description="How the preview was found", examples=["isrc"])]
    locations: Annotated[
        list[str] | None,
        Field(
            description="Where the file lies, the place that playlists name first: absolute paths, or `file:` URIs of "
            "those that do not fit into a line. Only for local callers and those with a key; null for all others, and "
            "for tracks of services",
            examples=[None],
        ),
    ] = None

    @classmethod
    def of_stored(
        cls, stored: StoredTrack, tags: Sequence[str], locations: Sequence[str] | None = None
    ) -> "TrackDetails":
        """Show a track with its state and the first of its tags."""
        return cls(
            **track_fields(stored.track, tags=tags),
            state=stored.state,
            reason=clean_or_none(stored.reason),
            preview_provider=clean_or_none(stored.preview_provider),
            match_method=clean_or_none(stored.match_method),
            locations=None if locations is None else list(locations),
        )


class ListedTrack(_TrackFields):
    """A track in a list, with its state."""

    title: Annotated[
        str, Field(description="Empty while it is not known", examples=["Harder, Better, Faster, Stronger"])
    ]
    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[224693])]
    state: Annotated[State, Field(description="Only `ready` tracks can be compared", examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, if there is more to say")]

    @classmethod
    def of(cls, stored: StoredTrack, **fields: Any) -> Self:
        """Show a track; `fields` are those that it has beside."""
        return cls(**track_fields(stored.track), state=stored.state, reason=clean_or_none(stored.reason), **fields)


class SearchResult(ListedTrack):
    """A track that matches a search."""

    match: Annotated[
        Likeness,
        Field(
            description=(
                "`exact`: every word of the query is in its names; `prefix`: one is only the beginning of a word; "
                "`typo`: one is misspelt"
            ),
            examples=["exact"],
        ),
    ]


class SearchResults(BaseModel):
    """The tracks that match a search, best first."""

    results: list[SearchResult]

    @classmethod
    def of(cls, matches: list[Match]) -> "SearchResults":
        """Show the matches of a search."""
        return cls(results=[SearchResult.of(match.track, match=match.likeness) for match in matches])


class TrackPage(BaseModel):
    """One page of the tracks that were requested, in a fixed order."""

    tracks: list[ListedTrack]
    next: Annotated[
        str | None,
        Field(
            description="Address of the next page, null on the last one",
            examples=["/tracks?state=ready&n=50&after=deezer%3Atrack%3A3135556"],
        ),
    ]


class TrackRequest(BaseModel):
    """The state of a track that was requested."""

    urn: Annotated[str, Field(examples=[EXAMPLE_URN])]
    state: Annotated[State, Field(examples=["pending"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, if there is more to say")]
