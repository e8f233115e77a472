"""Text from outside: cleaned where it comes in, escaped where it goes out."""

from __future__ import annotations

import re
from typing import Final

# What acts instead of being read: control characters of a terminal (C0, DEL, C1), line and paragraph separators, what
# turns the direction of writing or is invisible, tags, and what UTF-8 or XML cannot hold. The two joiners (U+200C and
# U+200D) stay: Persian, the languages of India and emoji are spelt with them.
_ACTIVE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS: Final = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_NAMES: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def clean(text: str) -> str:
    """Return a text as one line of characters that are there to be read, without surrounding white space.

    Line breaks and tabs become a space; other control characters, marks that turn the direction of writing, invisible
    characters and lone surrogates go. It can be stored in PostgreSQL and written into any playlist.
    """
    return _ACTIVE.sub("", _BREAKS.sub(" ", text)).strip()


def clean_or_none(text: str | None) -> str | None:
    """Like `clean`, with nothing left becoming None."""
    return (clean(text) or None) if text is not None else None


def escape(text: object, *, keep: str = "") -> str:
    r"""Return a text as one line for terminals and logs, with what `clean` takes away visible, such as `\x1b` or `\n`.

    What is in `keep` stays as it is.
    """
    return _ACTIVE.sub(lambda match: match[0] if match[0] in keep else _escaped(match), str(text))


def escape_json(document: str) -> str:
    r"""Return a JSON document with the same content and with what `clean` takes away as `\u` escapes.

    Line breaks and tabs between the values stay: inside of a string JSON has none.
    """
    return _ACTIVE.sub(lambda match: match[0] if match[0] in "\t\n\r" else _json_escaped(match[0]), document)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return _NAMES.get(match[0], f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
