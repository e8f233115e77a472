"""How a sandbox behaves."""

from dataclasses import dataclass
from enum import StrEnum


class PageShape(StrEnum):
    """Which of Spotify's two forms the playlist entries have."""

    ITEM_AND_TRACK = "item-and-track"
    """2026: the object under `item`, and once more under the deprecated `track`."""
    TRACK = "track"
    """Until February 2026: only `track`."""


@dataclass(frozen=True)
class SandboxSettings:
    """Credentials that are accepted, lifetime of access tokens in seconds, and what the entries of playlists hold."""

    client_id: str = "sandbox"
    client_secret: str = "sandbox"  # noqa: S105 - guards nothing but the sandbox's own music
    refresh_token: str = "sandbox-refresh"  # noqa: S105 - as above
    token_lifetime: int = 3600
    page_shape: PageShape = PageShape.ITEM_AND_TRACK
    offer_previews: bool = True
