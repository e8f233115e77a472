"""Cells of CSV that a spreadsheet takes for text, not for a formula (OWASP, "CSV Injection")."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_QUOTE: Final = "'"
_PART: Final = re.compile("[^,;\t\r\n]*[,;\t\r\n]?")
_BLANKS_AND_QUOTES: Final = re.compile("(?:[^\\S\t\r\n]|[\"'`\u2018-\u201f\u200b-\u200d\u2060\ufeff])*")
_FORMULA_STARTS: Final = frozenset("=+-@\N{MINUS SIGN}\t\r\n")


def defuse(text: str) -> str:
    """Return a text with a single quote before whatever a spreadsheet would take for a formula; `restore` undoes it.

    That is what begins with `=`, `+`, `-`, `@` in any width, also after blanks or quotes, or with a tab or line break;
    and the same behind a comma or semicolon, where a spreadsheet with another separator begins a cell. A cell that
    holds a number is no text and needs none of this.
    """
    return "".join(_QUOTE + part if _is_formula(part) else part for part in _PART.findall(text))


def restore(text: str) -> str:
    """Return the text that `defuse` made a cell of; a text of others loses nothing but a quote before a formula."""
    return "".join(_without_quote(part) for part in _PART.findall(text))


def _without_quote(part: str) -> str:
    rest = part.removeprefix(_QUOTE)
    return rest if _is_formula(rest) else part


def _is_formula(part: str) -> bool:
    first = _BLANKS_AND_QUOTES.sub("", part, count=1)[:1]
    return not _FORMULA_STARTS.isdisjoint(unicodedata.normalize("NFKC", first))
