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
from soundalike.crawler.sources.track_lists.formats import ListFile, is_named_like_list
from soundalike.domain.service_urls import service_of

ACCEPTED_FORMS: Final = (
    f"{spotify_address.ACCEPTED_FORMS}; {deezer_address.ACCEPTED_FORMS}; {LIST_FORMS}; or a folder of music files"
)

_PATH_BEGINNINGS: Final = ("/", "./", "../", "~/")


@dataclass(frozen=True, slots=True)
class FolderPath:
    """A folder of music files; a `watched` one is to be scanned whenever something changes in it."""

    path: Path
    watched: bool = False


ServiceTarget: TypeAlias = SpotifyTarget | DeezerTarget
Target: TypeAlias = ServiceTarget | ListFile | FolderPath


def parse_target(text: str) -> Target:
    """Return what a text names: a folder, a file with a list, or a list of a service; what lies here goes first.

    Raises `InvalidTarget`, which names every accepted form where the text has none of them.
    """
    path = _existing(text) or _existing(text.strip())
    if path is None:
        return parse_address_target(text)
    if path.is_dir():
        return FolderPath(path)
    try:
        return ListFile.from_path(path)
    except InvalidTarget:
        if address := _address(text):
            return address
        raise


def parse_address_target(text: str) -> ServiceTarget:
    """Return the list of a service that a text names, whatever files there are; raises `InvalidTarget`."""
    pasted = text.strip()
    if not pasted:
        raise InvalidTarget(f"expected {ACCEPTED_FORMS}")
    if pasted.startswith(_PATH_BEGINNINGS):
        raise InvalidTarget(no_such_path(pasted))
    if is_named_like_list(pasted):
        raise InvalidTarget(f"there is no file {pasted[:80]!r}; accepted are {ACCEPTED_FORMS}")
    service = service_of(pasted)
    if service == "deezer":
        return DeezerTarget.parse(pasted)
    try:
        return spotify_address.parse_target(pasted)
    except InvalidTarget:
        if service == "spotify":
            raise
        raise InvalidTarget(f"{pasted[:80]!r} cannot be crawled; accepted are {ACCEPTED_FORMS}") from None


def no_such_path(path: object) -> str:
    """Say that nothing is at a path."""
    return f"there is no file or folder {path}: check the spelling, and that its disk is there"


def no_folder(path: Path) -> str:
    """Say why no folder is at a path."""
    return f"{path} is a file: name the folder in which it lies" if path.exists() else no_such_path(path)


def second_meaning(text: str, target: Target) -> str | None:
    """Say what else a text names whose `target` lies here, None where nothing else is called so."""
    if not isinstance(target, FolderPath | ListFile):
        return None
    address = _address(text)
    what = "folder" if isinstance(target, FolderPath) else "file"
    return f"{text.strip()} is read as the {what} of this name, not as {address.urn}" if address else None


def _address(text: str) -> ServiceTarget | None:
    try:
        return parse_address_target(text)
    except InvalidTarget:
        return None


def _existing(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except (OSError, RuntimeError, ValueError):
        # Too long for a name, a null byte, nobody's home.
        return None
