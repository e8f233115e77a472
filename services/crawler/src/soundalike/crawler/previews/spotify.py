"""The preview that Spotify's own list names; apps made since November 2024 are given none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.crawler.entries import Provenance
from soundalike.crawler.previews.provider import Absent, Finding, Found, Wanted

if TYPE_CHECKING:
    from soundalike.crawler.preview_hosts import HostList


@dataclass(frozen=True, slots=True)
class SpotifyPreviews:
    """Takes the address that came with the track (see `crawler.previews.provider.PreviewProvider`)."""

    hosts: HostList
    name: str = "spotify"

    async def find(self, wanted: Wanted) -> Finding:
        """Return the address that came with a track of Spotify."""
        if wanted.track.id.source != "spotify" or not wanted.list_tells:
            return Absent("")
        if wanted.preview_url is None:
            return Absent("Spotify offers no preview")
        return Found(wanted.preview_url, self.hosts, Provenance("spotify", "preview_url", wanted.track.id.key, 1.0))
