"""Which files hold lists, and reading one whatever its form."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import InvalidTarget, SourceRefused
from soundalike.crawler.sources.track_lists import csv_table, jspf, m3u, pls, xspf
from soundalike.crawler.sources.track_lists.file_address import GUESSED_ENCODING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from soundalike.crawler.sources.track_lists.row import Row

ACCEPTED_FORMS: Final = "a file with a list of tracks (.csv, .tsv, .jspf, .m3u, .m3u8, .pls, .xspf)"
MAX_BYTES: Final = 64_000_000
MAX_LINES: Final = 500_000
_MAX_PARTS: Final = {
    **dict.fromkeys((b"\n", b"\r"), (MAX_LINES, "lines")),
    **dict.fromkeys((b"{", b"["), (2 * MAX_LINES, "parts")),
    b"<": (20 * MAX_LINES, "parts"),
    **dict.fromkeys((b",", b";", b"\t", b"|"), (10 * MAX_LINES, "parts")),
}
"""What begins an object in memory, and how many of it there may be: 64 MB hold very many that are empty."""

_READERS: Final[Mapping[str, Callable[[str], tuple[str | None, list[Row]]]]] = {
    ".csv": csv_table.read,
    ".tsv": csv_table.read,
    ".txt": csv_table.read,
    ".jspf": jspf.read,
    ".json": jspf.read,
    ".m3u": m3u.read,
    ".m3u8": m3u.read,
    ".pls": pls.read,
    ".xspf": xspf.read,
}
_ENCODING_LINE: Final = re.compile(rb"^#EXTENC:[ \t]*(?P<name>[\w-]{1,30})", re.MULTILINE | re.IGNORECASE)
_FIRST_BYTES: Final = 4096
_BYTE_ORDER_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def is_named_like_list(name: str) -> bool:
    """Tell whether a file of this name would be read as a list."""
    return _suffix(name) in _READERS


@dataclass(frozen=True, slots=True)
class TrackList:
    """A list as read from a file; the digest changes with the file's content, the encoding is that of the file."""

    title: str
    digest: str
    rows: list[Row]
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that holds a list."""

    path: Path

    @classmethod
    def from_path(cls, path: Path) -> ListFile:
        """Return the file, judged by its name; raises `InvalidTarget` for one that holds no list."""
        if not is_named_like_list(path.name):
            raise InvalidTarget(
                f"{path.name!r} is not a list of tracks; expected {ACCEPTED_FORMS}, or a folder of music files"
            )
        return cls(path)

    def read(self) -> TrackList:
        """Read the whole list; raises `SourceRefused` saying what is wrong with the file."""
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise SourceRefused(f"{self.path.name} cannot be read: {error.strerror or error}") from error
        if len(data) > MAX_BYTES:
            raise SourceRefused(f"{self.path.name} has more than {MAX_BYTES // 1_000_000} MB; split it")
        # UTF-16 has the same bytes among others.
        for mark, (limit, parts) in _MAX_PARTS.items():
            if data.count(mark) > limit:
                raise SourceRefused(f"{self.path.name} has more than {limit:,} {parts}; split it")
        try:
            text, encoding = _text(data)
            title, rows = _READERS[_suffix(self.path.name)](text)
        except ValueError as error:
            raise SourceRefused(f"{self.path.name}: {error}") from error
        return TrackList(title or self.path.stem, hashlib.sha256(data).hexdigest(), rows, encoding)


def _suffix(name: str) -> str:
    return PurePath(name.strip()).suffix.lower()


def _text(data: bytes) -> tuple[str, str]:
    """Decode a file by what it says of itself, else as UTF-8, else by a guess; return the text and the encoding."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    if match := _ENCODING_LINE.search(data, 0, _FIRST_BYTES):
        with suppress(LookupError, ValueError):
            return data.decode(match["name"].decode("ascii")), "utf-8"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        # With its undefined bytes kept: paths are compared byte by byte.
        return data.decode(GUESSED_ENCODING, "surrogateescape"), GUESSED_ENCODING
