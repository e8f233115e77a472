"""The JSON of lists: what a search found, the pages of the catalogue, and where a track that was asked for stands."""

from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field

from soundalike.db import track_requests
from soundalike.db.search import Likeness, Match
from soundalike.db.tracks import State, StoredTrack


class ListedTrack(BaseModel):
    """A track in a list, with where it stands on its way to being recommendable."""

    urn: Annotated[str, Field(description="The track's one name in the catalogue", examples=["deezer:track:3135556"])]
    title: Annotated[
        str, Field(description="Empty while nothing is known of it", examples=["Harder, Better, Faster, Stronger"])
    ]
    artists: Annotated[list[str], Field(examples=[["Daft Punk"]])]
    album: Annotated[str | None, Field(examples=["Discovery"])]
    link: Annotated[str | None, Field(examples=["https://www.deezer.com/track/3135556"])]
    source: Annotated[str, Field(description="spotify, deezer, soundcloud or file", examples=["deezer"])]
    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[224693])]
    state: Annotated[State, Field(description="Only what is ready can be compared", examples=["ready"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, where there is more to say")]

    @classmethod
    def of(cls, stored: StoredTrack) -> Self:
        """Show a track."""
        return cls(**_shown(stored))


class SearchResult(ListedTrack):
    """A track that fits what was typed."""

    match: Annotated[
        Likeness,
        Field(
            description=(
                "`exact`: every word that was typed is in its names; `prefix`: one is only the beginning of a word; "
                "`typo`: one is a word misspelt"
            ),
            examples=["exact"],
        ),
    ]


class SearchResults(BaseModel):
    """The tracks that fit what was typed, best first."""

    results: list[SearchResult]

    @classmethod
    def of(cls, matches: list[Match]) -> "SearchResults":
        """Show what was found."""
        return cls(results=[SearchResult(**_shown(match.track), match=match.likeness) for match in matches])


class TrackPage(BaseModel):
    """Some of the tracks that were asked for, in a fixed order."""

    tracks: list[ListedTrack]
    next: Annotated[
        str | None,
        Field(
            description="Address of the next page, null on the last one",
            examples=["/tracks?state=ready&n=50&after=deezer%3Atrack%3A3135556"],
        ),
    ]


class TrackRequest(BaseModel):
    """Where a track stands that somebody asked for."""

    urn: Annotated[str, Field(examples=["deezer:track:3135556"])]
    state: Annotated[State, Field(examples=["pending"])]
    reason: Annotated[str | None, Field(description="Why it is in that state, where there is more to say")]


def _shown(stored: StoredTrack) -> dict[str, Any]:
    track = stored.track
    return {
        "urn": track.id.urn,
        "title": track.title,
        "artists": list(track.artists),
        "album": track.album,
        "link": track.link,
        "source": track.id.source,
        "duration_ms": track.duration_ms,
        "state": stored.state,
        "reason": stored.reason,
    }


_TRACK: Final[dict[str, Any]] = {
    "urn": "deezer:track:3135556",
    "title": "Harder, Better, Faster, Stronger",
    "artists": ["Daft Punk"],
    "album": "Discovery",
    "link": "https://www.deezer.com/track/3135556",
    "source": "deezer",
    "duration_ms": 224_693,
    "state": State.READY,
    "reason": None,
}
SEARCH_EXAMPLE: Final = SearchResults(results=[SearchResult(**_TRACK, match=Likeness.PREFIX)])
PAGE_EXAMPLE: Final = TrackPage(
    tracks=[ListedTrack(**_TRACK)], next="/tracks?state=ready&n=1&after=deezer%3Atrack%3A3135556"
)
REQUEST_EXAMPLE: Final = TrackRequest(urn="deezer:track:3135556", state=State.PENDING, reason=track_requests.REASON)
READY_EXAMPLE: Final = TrackRequest(urn="deezer:track:3135556", state=State.READY, reason=None)
