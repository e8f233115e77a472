"""What the chain asks of a provider of previews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from soundalike.crawler.entries import Provenance
    from soundalike.crawler.preview_hosts import HostList
    from soundalike.db.tracks import Track


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A track whose preview is looked for.

    `preview_url` is where the track's own list says that the preview lies; `source_names_previews` is false for
    lists that never name one, so that a missing address does not mean that the service has none.
    """

    track: Track
    preview_url: str | None = None
    source_names_previews: bool = True


@dataclass(frozen=True, slots=True)
class PreviewFound:
    """Where a preview lies, and on which hosts it may; used at once, since an address that `expires` does so soon."""

    url: str
    hosts: HostList
    provenance: Provenance
    expires: bool = False


@dataclass(frozen=True, slots=True)
class PreviewAbsent:
    """The provider was asked and has no preview; the reason in a few words, or "" if nobody needs it."""

    reason: str


PreviewResult: TypeAlias = PreviewFound | PreviewAbsent


class PreviewProvider(Protocol):
    """Somebody who gives previews of tracks."""

    @property
    def name(self) -> str:
        """Name of the provider, as stored with the track."""

    async def find(self, request: PreviewRequest) -> PreviewResult:
        """Look for a preview; raises `PreviewUnavailable` when the provider could not be asked."""
