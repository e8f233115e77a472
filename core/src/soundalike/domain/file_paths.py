"""Paths of files as texts: those of this machine and of others, and their form as `file:` URIs (RFC 8089).

A path is a text with the bytes of its name in UTF-8; other bytes stand in it as lone surrogates, as in Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

_DRIVE: Final = re.compile(r"[A-Za-z]:(?=[\\/]|\Z)")
_URI: Final = re.compile(r"file:(?://(?P<host>[^/]*))?(?P<path>/.*)", re.IGNORECASE | re.DOTALL)
_LOCAL_HOSTS: Final = frozenset({"", "localhost", "127.0.0.1"})
_ENCODED: Final = re.compile("%[0-9A-Fa-f]{2}")


def path_text(path: bytes) -> str:
    """Return the text of a path's bytes."""
    return path.decode("utf-8", "surrogateescape")


def display_path(path: bytes) -> str:
    """Return a path as text for people; bytes that are no UTF-8 become replacement characters.

    What a terminal would obey is still in it: `soundalike.terminal` and `soundalike.logs` escape it.
    """
    return path.decode("utf-8", "replace")


def path_bytes(text: str) -> bytes | None:
    """Return the bytes of a path's text, None for a text that can be none: with a null, or with half a character."""
    try:
        path = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None
    return None if b"\0" in path else path


def is_windows_path(text: str) -> bool:
    r"""Tell whether a text is an absolute path of Windows: one with a drive's letter, or with a host (`\\host`)."""
    return bool(_DRIVE.match(text)) or text.startswith("\\\\")


def file_uri(path: str) -> str:
    """Return the URI of an absolute path of any machine."""
    if _DRIVE.match(path):
        return f"file:///{path[:2]}{_encoded(path[2:].replace(chr(92), '/'))}"
    if path.startswith("\\\\"):
        return f"file:{_encoded(path.replace(chr(92), '/'))}"
    return f"file://{_encoded(path)}"


def relative_uri(path: str) -> str:
    """Return a relative path as a relative reference of RFC 3986."""
    return _encoded(path)


def paths_of_uri(text: str) -> list[str]:
    """Return the paths that a `file:` URI can mean, the likeliest first; none where it is no such URI.

    Many programs write them without encoding anything, or leave `#` and `?` as they are.
    """
    match = _URI.fullmatch(text)
    if match is None:
        return []
    host, path = match["host"] or "", match["path"]
    readings = [decoded(path), path, decoded(re.split("[?#]", path, maxsplit=1)[0])]
    if host.lower() not in _LOCAL_HOSTS:
        readings = [f"//{host}{reading}" for reading in readings]
    return list(dict.fromkeys(reading[1:] if _DRIVE.match(reading, 1) else reading for reading in readings))


def decoded(text: str) -> str:
    """Return a text with what is percent-encoded as it was."""
    return unquote(text, errors="surrogateescape")


def has_percent_encoding(text: str) -> bool:
    """Tell whether something in a text could be percent-encoded, meant so or not."""
    return bool(_ENCODED.search(text))


@dataclass(frozen=True, slots=True)
class PathPrefix:
    """What one machine has at the beginning of its paths, and what another one has there instead."""

    old: str
    new: str

    def replace(self, path: str) -> str | None:
        r"""Return a path with the new beginning, whole names only; None for a path that begins otherwise.

        Beginnings with a drive or a host, as on Windows, are the same in any case and with `/` as with `\`.
        """
        windows = is_windows_path(self.old)
        beginning, names = _names(self.old.rstrip("/\\" if windows else "/"), windows), _names(path, windows)
        rest = names[len(beginning) :]
        if [_folded(name, windows) for name in names[: len(beginning)]] != [
            _folded(name, windows) for name in beginning
        ]:
            return None
        separator = "\\" if is_windows_path(self.new) else "/"
        return separator.join([self.new.rstrip("/\\" if separator == "\\" else "/"), *rest]) or separator


def _names(path: str, windows: bool) -> list[str]:
    return (path.replace("\\", "/") if windows else path).split("/")


def _folded(name: str, windows: bool) -> str:
    return name.casefold() if windows else name


def _encoded(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")
