"""What a source says about each place of its list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.audio.sniff import AudioKind
    from soundalike.db.locations import ScannedLocation
    from soundalike.db.tracks import Track, TrackStatus
    from soundalike.domain.track_id import TrackId


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who gave a preview and how it was matched to the track, as stored with it; `score` (0..1) says how surely.

    `isrc` is the recording's code as the provider knows it.
    """

    provider: str
    method: str
    provider_id: str | None = None
    score: float | None = None
    isrc: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """About 30 s of a track as an audio file's content."""

    data: bytes
    kind: AudioKind
    provenance: Provenance


class PreviewOffer(Protocol):
    """A way to get at a preview: found and fetched in one step, since the addresses of some services expire."""

    async def fetch(self) -> Preview:
        """Get the preview; raises `PreviewMissing`, `PreviewUnusable`, `PreviewUnavailable`."""


@dataclass(frozen=True, slots=True)
class TrackEntry:
    """A track with a preview to be had; `position` counts from 0 in the source's list.

    `former` is another id that it may have in the catalogue (see `db.identities`).
    `location` is where it lies, for a file that was read; one that is not `tagged` has its title from its name.
    """

    position: int
    label: str
    track: Track
    offer: PreviewOffer
    former: TrackId | None = None
    location: ScannedLocation | None = None
    tagged: bool = True


@dataclass(frozen=True, slots=True)
class NoPreviewEntry:
    """A track that nobody offers a preview of."""

    position: int
    label: str
    track: Track
    reason: str


@dataclass(frozen=True, slots=True)
class SkippedEntry:
    """A place of the list that holds no track of a source we know, or a `track` for which nothing can be done now.

    With a `detail` it is worth a line of its own.
    """

    position: int
    label: str
    reason: str
    detail: str = ""
    track: TrackId | None = None


@dataclass(frozen=True, slots=True)
class UnreadableEntry:
    """A place of the list that could not be read this time."""

    position: int
    label: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeferredEntry:
    """A place whose content takes requests of its own; `read` raises `ServiceError`."""

    position: int
    label: str
    read: Callable[[], Awaitable[ResolvedEntry]]


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """A place with a track of the catalogue whose `status` is known; it is read only where something is owed for it."""

    position: int
    label: str
    track: TrackId
    status: TrackStatus
    read: Callable[[], Awaitable[ResolvedEntry]]


@dataclass(frozen=True, slots=True)
class IgnoredEntry:
    """Something beside the tracks that is counted apart, such as a cover, or tags that cannot be read."""

    label: str
    kind: str
    count: int = 1


ResolvedEntry: TypeAlias = TrackEntry | NoPreviewEntry | SkippedEntry | UnreadableEntry
ListEntry: TypeAlias = ResolvedEntry | DeferredEntry | KnownEntry
Entry: TypeAlias = ListEntry | IgnoredEntry
