"""What the chain asks of a provider of previews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from soundalike.crawler.entries import Provenance
    from soundalike.crawler.preview_hosts import HostList
    from soundalike.db.tracks import Track


@dataclass(frozen=True, slots=True)
class Wanted:
    """A track whose preview is looked for.

    `preview_url` is where the track's own list says that the preview lies; `list_tells` is false for lists that say
    nothing of previews, so that none is not held against the service.
    """

    track: Track
    preview_url: str | None = None
    list_tells: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """Where a preview lies, and on which hosts it may; used at once, since an address that `expires` does so soon."""

    url: str
    hosts: HostList
    provenance: Provenance
    expires: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider was asked and has no preview; the reason in a few words, or "" if nobody needs it."""

    reason: str


Finding: TypeAlias = Found | Absent


class PreviewProvider(Protocol):
    """Somebody who gives previews of tracks."""

    @property
    def name(self) -> str:
        """Name of the provider, as stored with the track."""

    async def find(self, wanted: Wanted) -> Finding:
        """Look for a preview; raises `PreviewUnavailable` when the provider could not be asked."""
