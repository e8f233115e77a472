"""The preview that Spotify's own list names; apps made since November 2024 are given none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.crawler.entries import Provenance
from soundalike.crawler.previews.provider import PreviewAbsent, PreviewFound, PreviewRequest, PreviewResult

if TYPE_CHECKING:
    from soundalike.crawler.preview_hosts import HostList


@dataclass(frozen=True, slots=True)
class SpotifyPreviews:
    """Takes the address that came with the track (see `crawler.previews.provider.PreviewProvider`)."""

    hosts: HostList
    name: str = "spotify"

    async def find(self, request: PreviewRequest) -> PreviewResult:
        """Return the address that came with a track of Spotify."""
        if request.track.id.source != "spotify" or not request.source_names_previews:
            return PreviewAbsent("")
        if request.preview_url is None:
            return PreviewAbsent("Spotify offers no preview")
        return PreviewFound(
            request.preview_url, self.hosts, Provenance("spotify", "preview_url", request.track.id.key, 1.0)
        )
