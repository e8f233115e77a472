"""What a listener wants of the answers: how many, how alike, how varied, and which tracks may be among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from soundalike.domain import tags
from soundalike.domain.titles import fold_artists, read_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soundalike.api.repository import HeardTrack
    from soundalike.db.tracks import Track


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tracks may be answers.

    `tags` are held by every answer and `no_tags` by none (slugs of `domain.tags`), `excluded` are URNs, `no_artists`
    folded names (`domain.titles`), `sources` those that are asked for, all where it is empty. Lengths in
    milliseconds; a track of unknown length passes only where no length is asked for.
    """

    tags: tuple[str, ...] = ()
    no_tags: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    no_artists: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None

    @property
    def asks_facts(self) -> bool:
        """Tell whether more than a track's name decides."""
        lengths = (self.min_duration_ms, self.max_duration_ms)
        return bool(self.tags or self.no_tags or self.no_artists) or lengths != (None, None)

    def admits_urn(self, urn: str) -> bool:
        """Tell whether a track may be an answer as far as its name says."""
        return urn not in self.excluded and (not self.sources or urn.partition(":")[0] in self.sources)

    def admits(self, heard: HeardTrack, usual: Sequence[float] | None) -> bool:
        """Tell whether a track may be an answer; `usual` is what its model says of music on average."""
        said = heard.tag_probabilities
        return (
            self._admits_length(heard.track.duration_ms)
            and tags.has_all(self.tags, said, usual)
            and not tags.has_any(self.no_tags, said, usual)
            and not (self.no_artists and self.no_artists & _artists_of(heard.track))
        )

    def _admits_length(self, duration_ms: int | None) -> bool:
        if duration_ms is None:
            return self.min_duration_ms is None and self.max_duration_ms is None
        return (self.min_duration_ms is None or duration_ms >= self.min_duration_ms) and (
            self.max_duration_ms is None or duration_ms <= self.max_duration_ms
        )


NO_FILTER: Final = Filter()

_NO_ALBUM: Final = frozenset({"", "unknown", "unknown album"})


class By(StrEnum):
    """By which signals tracks are compared: how they sound, who favourites them, or both."""

    SOUND = "sound"
    TASTE = "taste"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How many answers, how alike at least (`min_score`), and how varied (`diversity`, 0 to 1).

    `blend` is the weight of taste, 0 to 1, where both signals are asked for.
    """

    n: int = 10
    min_score: float = 0.0
    max_per_artist: int = 2
    max_per_album: int = 1
    diversity: float = 0.0
    only: Filter = NO_FILTER
    by: By = By.SOUND
    blend: float = 0.5

    def without(self, urns: Iterable[str]) -> Wishes:
        """Return the same wishes with more tracks excluded."""
        return replace(self, only=replace(self.only, excluded=self.only.excluded.union(urns)))


@dataclass(slots=True)
class Room:
    """How much room is left for the artists and albums of the answers that there are.

    A track counts for each of its `artists`, whose names are folded, guests among them. An album is known by its name
    together with an artist, so that two bands' "Greatest Hits" are two albums. What is not known is not limited.
    """

    max_per_artist: int
    max_per_album: int
    _artists: Counter[str] = field(default_factory=Counter)
    _albums: Counter[tuple[str, str]] = field(default_factory=Counter)

    def admits(self, artists: frozenset[str], album: str | None) -> bool:
        """Tell whether there is room for one more by these artists and from this album."""
        return all(self._artists[artist] < self.max_per_artist for artist in artists) and all(
            self._albums[each] < self.max_per_album for each in _albums_of(artists, album)
        )

    def take(self, artists: frozenset[str], album: str | None) -> None:
        """Take in a track that there is room for."""
        self._artists.update(artists)
        self._albums.update(_albums_of(artists, album))


def _artists_of(track: Track) -> frozenset[str]:
    return fold_artists(track.artists) | read_title(track.title).guests


def _albums_of(artists: frozenset[str], album: str | None) -> list[tuple[str, str]]:
    name = read_title(album).folded if album else ""
    return [(name, artist) for artist in artists or ("",)] if name not in _NO_ALBUM else []
