"""What is requested of a recommendation: how many tracks, how similar, how diverse, and which may be among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from soundalike.api.shortage import Cause
from soundalike.domain import tags
from soundalike.domain.titles import fold_artists, read_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.db.tracks import Track


@dataclass(frozen=True, slots=True)
class TrackFilter:
    """Which tracks may be results.

    Every result has all `tags` and none of `excluded_tags` (slugs of `domain.tags`); `excluded_urns` are URNs,
    `excluded_artists` folded names (`domain.titles`), `sources` those admitted, all where it is empty. Durations in
    milliseconds; a track of unknown duration passes only where no duration is required.
    """

    tags: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()
    excluded_urns: frozenset[str] = frozenset()
    excluded_artists: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None

    @property
    def needs_facts(self) -> bool:
        """Tell whether the filter needs more of a track than its URN."""
        lengths = (self.min_duration_ms, self.max_duration_ms)
        return bool(self.tags or self.excluded_tags or self.excluded_artists) or lengths != (None, None)

    def obstacle_of_urn(self, urn: str) -> Cause | None:
        """Return why a track is no result, judged by its URN alone, None where it may be one."""
        if urn in self.excluded_urns:
            return Cause.EXCLUDED_TRACK
        return Cause.SOURCE if self.sources and urn.partition(":")[0] not in self.sources else None

    def obstacle(self, candidate: CatalogueTrack, mean_tags: Sequence[float] | None) -> Cause | None:
        """Return why a track is no result, None where it may be one; `mean_tags` are the model's mean probabilities."""
        probabilities = candidate.tag_probabilities
        duration_ms = candidate.track.duration_ms
        if self.min_duration_ms is not None and (duration_ms is None or duration_ms < self.min_duration_ms):
            return Cause.MIN_DURATION
        if self.max_duration_ms is not None and (duration_ms is None or duration_ms > self.max_duration_ms):
            return Cause.MAX_DURATION
        if not tags.has_all(self.tags, probabilities, mean_tags):
            return Cause.TAG
        if tags.has_any(self.excluded_tags, probabilities, mean_tags):
            return Cause.NOT_TAG
        if self.excluded_artists and self.excluded_artists & _folded_artists(candidate.track):
            return Cause.EXCLUDED_ARTIST
        return None


NO_FILTER: Final = TrackFilter()

_NO_ALBUM: Final = frozenset({"", "unknown", "unknown album"})


class By(StrEnum):
    """The signals by which tracks are compared: how they sound, who favourites them, or both."""

    SOUND = "sound"
    TASTE = "taste"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class RecommendationQuery:
    """How many results, how similar at least (`min_score`), and how diverse (`diversity`, 0 to 1).

    `blend` is the weight of taste, 0 to 1, where both signals are compared.
    """

    n: int = 10
    min_score: float = 0.0
    max_per_artist: int = 2
    max_per_album: int = 1
    diversity: float = 0.0
    track_filter: TrackFilter = NO_FILTER
    by: By = By.SOUND
    blend: float = 0.5

    def without(self, urns: Iterable[str]) -> RecommendationQuery:
        """Return the same query with more tracks excluded."""
        return replace(
            self, track_filter=replace(self.track_filter, excluded_urns=self.track_filter.excluded_urns.union(urns))
        )


@dataclass(slots=True)
class RepeatLimits:
    """Limits how many results are by one artist and from one album.

    A track counts for each of its `artists`, whose names are folded, guests among them. An album is identified by its
    name together with an artist, so that two bands' "Greatest Hits" are two albums. What is unknown is not limited.
    """

    max_per_artist: int
    max_per_album: int
    _artists: Counter[str] = field(default_factory=Counter)
    _albums: Counter[tuple[str, str]] = field(default_factory=Counter)

    def obstacle(self, artists: frozenset[str], album: str | None) -> Cause | None:
        """Return the limit that one more by these artists and from this album would break, None where it fits."""
        if any(self._artists[artist] >= self.max_per_artist for artist in artists):
            return Cause.ARTIST_LIMIT
        if any(self._albums[each] >= self.max_per_album for each in _album_keys(artists, album)):
            return Cause.ALBUM_LIMIT
        return None

    def add(self, artists: frozenset[str], album: str | None) -> None:
        """Count a result."""
        self._artists.update(artists)
        self._albums.update(_album_keys(artists, album))


def _folded_artists(track: Track) -> frozenset[str]:
    return fold_artists(track.artists) | read_title(track.title).guests


def _album_keys(artists: frozenset[str], album: str | None) -> list[tuple[str, str]]:
    name = read_title(album).folded if album else ""
    return [(name, artist) for artist in artists or ("",)] if name not in _NO_ALBUM else []
