"""Which source a text names, told by its form; nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from soundalike.crawler.errors import InvalidTarget
from soundalike.crawler.sources import deezer_address, spotify_address
from soundalike.crawler.sources.deezer_address import DeezerTarget
from soundalike.crawler.sources.spotify_address import SpotifyTarget
from soundalike.crawler.sources.track_lists.formats import ACCEPTED_FORMS as LIST_FORMS
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.domain.service_urls import service_of

ACCEPTED_FORMS: Final = (
    f"{spotify_address.ACCEPTED_FORMS}; {deezer_address.ACCEPTED_FORMS}; {LIST_FORMS}; or a folder of music files"
)


@dataclass(frozen=True, slots=True)
class FolderPath:
    """A folder of music files."""

    path: Path


Target: TypeAlias = SpotifyTarget | DeezerTarget | ListFile | FolderPath


def parse_target(text: str) -> Target:
    """Return what a text names: a folder, a file with a list, or a list of a service.

    Raises `InvalidTarget`, which names every accepted form where the text has none of them.
    """
    pasted = text.strip()
    if not pasted:
        raise InvalidTarget(f"expected {ACCEPTED_FORMS}")
    service = service_of(pasted)
    if service == "deezer":
        return DeezerTarget.parse(pasted)
    path = _existing(pasted)
    if path is not None and path.is_dir():
        return FolderPath(path)
    if path is not None:
        return ListFile.from_path(path)
    try:
        return spotify_address.parse_target(pasted)
    except InvalidTarget:
        if service == "spotify":
            raise
        raise InvalidTarget(f"{pasted[:80]!r} cannot be crawled; accepted are {ACCEPTED_FORMS}") from None


def _existing(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError, ValueError):
        # Too long for a name, a null byte, nobody's home.
        return None
