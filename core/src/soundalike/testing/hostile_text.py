"""Texts that attack what shows them, and a check that shares nothing with what defends against them."""

from __future__ import annotations

import unicodedata
from typing import Final

JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, but scripts and emoji are spelt with them."""

HOSTILE_TEXTS: Final = (
    "\x1b]0;owned\x07Song",
    "\x1b[2J\x1b[1;31mred",
    "\x9d0;owned\x9cC1 \x9b31m",
    "one\ntwo\r\nthree\rfour",
    "tab\tvertical\x0bform\x0cfile\x1cgroup\x1drecord\x1eunit\x1f",
    "next\x85line\u2028separator\u2029paragraph",
    "gpj\u202eevil.exe\u202c \u2066isolated\u2069 \u061c\u200f",
    "zero\u200bwidth\ufeff\u2060joined\u00ad",
    "\x08\x7f\x00\x07",
    "tags \U000e0041\U000e007f surrogate \udcff \ufffe",
    "#EXTM3U\n#EXTINF:1,forged\nhttp://attacker.example/x.mp3",
    "[bold red]markup[/bold red] [link=https://attacker.example]here[/link] :skull:",
)

FORMULAS: Final = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://attacker.example";"here")',
    "+44",
    "-ing",
    "@SUM(1+1)",
    " =1",
    "'=1",
    '"=1',
    "\xa0+1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\ufe631",
    "Song;=1",
    "Song, =1",
    'Song",=1',
)

_DIRECTIONS: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_BLOCKS: Final = (range(0x2060, 0x2070), range(0xFFF9, 0xFFFC), range(0xE0000, 0xE0080))
_INVISIBLE: Final = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\ufeff\ufffe\uffff")


def active_characters(text: str, *, keep: str = "") -> set[str]:
    """Return what a terminal, a log or a player would obey, or a person could not see; `keep` is allowed."""
    return {character for character in text if character not in keep and _is_active(character)}


def _is_active(character: str) -> bool:
    if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
        return True
    if unicodedata.bidirectional(character) in _DIRECTIONS or character in _INVISIBLE:
        return True
    return any(ord(character) in block for block in _BLOCKS)


HOSTILE_NAMES: Final = tuple(
    # No file is called so: a NUL, a slash, half of a pair.
    "".join(character for character in text if character not in "\x00/" and not "\ud800" <= character < "\udc80")
    for text in HOSTILE_TEXTS
)
"""The same as names of files."""
