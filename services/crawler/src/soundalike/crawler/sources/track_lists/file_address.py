"""What an entry of a list can mean as a file: programs and systems write paths in many ways."""

from __future__ import annotations

import posixpath
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.domain.file_paths import (
    decoded,
    has_percent_encoding,
    is_windows_path,
    path_bytes,
    path_text,
    paths_of_uri,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from soundalike.domain.file_paths import PathPrefix

GUESSED_ENCODING: Final = "cp1252"
"""Of a list that is no UTF-8: what most programs write where nobody asked them for anything else."""

_OTHER_ENCODINGS: Final = (
    *("utf-8", "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "gb18030", "cp949", "cp950", "cp850", "mac_roman"),
)
_MAX_NAMES: Final = 12


@dataclass(frozen=True, slots=True)
class FileAddress:
    """The files that an entry can mean: by absolute paths of this machine, and by names from the folder on.

    Both come likeliest first. The names are the last ones of the path: of another machine's path the beginning says
    nothing here.
    """

    paths: tuple[bytes, ...]
    names: tuple[tuple[str, ...], ...]

    @classmethod
    def read(
        cls, texts: Iterable[str], folder: bytes, prefix: PathPrefix | None = None, *, encoding: str = "utf-8"
    ) -> FileAddress:
        """Read what an entry of a list in a folder says, once or more; `encoding` is that of the list."""
        spellings = list(dict.fromkeys(spelling for text in texts for spelling in _spellings(text, prefix, encoding)))
        paths = dict.fromkeys(path for spelling in spellings if (path := _absolute(spelling, folder)) is not None)
        names = dict.fromkeys(_last_names(spelling) for spelling in spellings)
        names.pop((), None)
        return cls(tuple(paths), tuple(names))


def is_file_text(text: str) -> bool:
    """Tell whether a text can be a path or the URI of a file, as opposed to an address of the web."""
    return bool(text.strip()) and ("://" not in text or bool(paths_of_uri(text.strip())))


def fold_path(text: str) -> str:
    """Return a path in the form by which systems compare that tell no case and no composition of letters apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _spellings(text: str, prefix: PathPrefix | None, encoding: str) -> Iterator[str]:
    for reading in _decodings(text, encoding):
        for spelling in _paths_of(reading):
            # With a drive or a host it is no path of this machine, whichever way its names are separated.
            slashed = spelling if is_windows_path(spelling) else spelling.replace("\\", "/")
            for path in (spelling, slashed):
                if prefix is not None and (here := prefix.replace(path)) is not None:
                    yield here
                yield path


def _decodings(text: str, encoding: str) -> Iterable[str]:
    """Yield a text, and what its bytes say in other encodings where the encoding was a guess."""
    yield text
    if encoding != GUESSED_ENCODING or text.isascii():
        return
    try:
        raw = text.encode(GUESSED_ENCODING, "surrogateescape")
    except UnicodeEncodeError:
        return
    yield path_text(raw)
    for other in _OTHER_ENCODINGS:
        try:
            yield raw.decode(other)
        except UnicodeDecodeError:
            continue


def _paths_of(text: str) -> Iterable[str]:
    for candidate in dict.fromkeys((text, text.strip())):
        if uris := paths_of_uri(candidate):
            yield from uris
        elif "://" not in candidate:
            yield candidate
            if has_percent_encoding(candidate):
                yield decoded(candidate)


def _absolute(spelling: str, folder: bytes) -> bytes | None:
    if is_windows_path(spelling) or not spelling:
        return None
    path = path_bytes(spelling)
    # Two slashes at the beginning stay two by POSIX.
    return None if path is None else b"/" + posixpath.normpath(posixpath.join(folder, path)).lstrip(b"/")


def _last_names(spelling: str) -> tuple[str, ...]:
    path = spelling.replace("\\", "/") if is_windows_path(spelling) else spelling
    names: Sequence[str] = [name for name in path.split("/") if name not in {"", ".", ".."}]
    return tuple(names[1:] if is_windows_path(spelling) and path[1:2] == ":" else names)[-_MAX_NAMES:]
