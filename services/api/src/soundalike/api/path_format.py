"""How the paths of files are written into playlists, so that players open them."""

from __future__ import annotations

import ntpath
import posixpath
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from soundalike.domain.file_paths import (
    file_uri,
    has_percent_encoding,
    is_windows_path,
    path_text,
    relative_uri,
)
from soundalike.domain.text import clean

if TYPE_CHECKING:
    from soundalike.domain.file_paths import PathPrefix

ACCEPTED_FORMS: Final = "absolute, relative=<absolute path of a folder>, uri or none"


_ADDRESS_SIGNS: Final = frozenset("#?")


class PathForm(StrEnum):
    """Absolute paths, paths relative to a folder, URIs, or no paths at all."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    URI = "uri"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PlaylistPath:
    """A path as a line of M3U or a cell (`text`), and as a URI reference; `segment` (ms) where it is a part."""

    text: str
    uri: str
    segment: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PathFormat:
    """The form of paths; `folder` is what they are relative to, `prefix` what another machine has in their beginning.

    Of VLC 3, mpv, MPD and Navidrome all open a plain path, and all but MPD a URI. In a path VLC takes what follows a
    number sign or a question mark, and percent signs before two hex digits, for parts of an address (and plays the
    whole folder); line breaks, blanks at an end and bytes that are no UTF-8 are lost in one player or another. So such
    an absolute path is written as a URI. A relative one stays plain where a line can hold it at all: a URI is never
    relative in M3U.
    """

    form: PathForm = PathForm.ABSOLUTE
    folder: str = ""
    prefix: PathPrefix | None = None

    @classmethod
    def parse(cls, text: str, prefix: PathPrefix | None = None) -> Self:
        """Read what a request says; raises ValueError."""
        name, separator, folder = text.partition("=")
        if name == PathForm.RELATIVE:
            if not (folder.startswith("/") or is_windows_path(folder)):
                raise ValueError("relative needs the absolute path of a folder: relative=/srv/me/Playlists")
            return cls(PathForm.RELATIVE, folder, prefix)
        if separator or name not in set(PathForm):
            raise ValueError(f"expected {ACCEPTED_FORMS}")
        return cls(PathForm(name), "", prefix)

    def write(self, path: bytes) -> PlaylistPath:
        """Write the absolute path of a file on this machine."""
        text = path_text(path)
        if self.prefix is not None:
            text = self.prefix.replace(text) or text
        uri = file_uri(text)
        relative = self._relative(text) if self.form is PathForm.RELATIVE else None
        if relative is not None:
            # A line that begins with a number sign is a comment, and blanks at its beginning are taken off.
            line = f"./{relative}" if relative.startswith("#") or relative != relative.lstrip() else relative
            reference = relative_uri(relative.replace("\\", "/") if is_windows_path(text) else relative)
            return PlaylistPath(line if clean(line) == line else uri, reference)
        is_plain = clean(text) == text and not _ADDRESS_SIGNS & {*text} and not has_percent_encoding(text)
        return PlaylistPath(text if is_plain and self.form is not PathForm.URI else uri, uri)

    def _relative(self, text: str) -> str | None:
        """Return a path relative to the folder, None where both are not on one machine or drive."""
        windows = is_windows_path(text)
        if windows != is_windows_path(self.folder):
            return None
        try:
            return ntpath.relpath(text, self.folder) if windows else posixpath.relpath(text, self.folder)
        except ValueError:
            return None
