"""Identifiers: `soundcloud:users:123` since 2025, bare numbers before; both are read, URNs are used."""

from __future__ import annotations

import re
from typing import Final, Literal

from soundalike.soundcloud.errors import InvalidAddress

Kind = Literal["tracks", "users"]

_URN: Final = re.compile(r"soundcloud:(?P<kind>[a-z-]+):(?P<number>\d{1,19})")
_TAIL: Final = re.compile(r"(?:^|[/:])(?P<number>\d{1,19})/?$")


def urn_of(kind: Kind, reference: str | int) -> str:
    """Return the URN of a number, of a URN of that kind, or of an API address that ends in one.

    Raises `InvalidAddress` for anything else.
    """
    text = str(reference).strip()
    if match := _URN.fullmatch(text.rsplit("/", 1)[-1].split("?", 1)[0]):
        if match["kind"] == kind:
            return f"soundcloud:{kind}:{int(match['number'])}"
    elif (match := _TAIL.search(text.split("?", 1)[0])) and (text.isdecimal() or f"/{kind}/" in text):
        return f"soundcloud:{kind}:{int(match['number'])}"
    raise InvalidAddress(f"{text!r} names none of the {kind}; use a number or soundcloud:{kind}:<number>")


def number_of(urn: str) -> int:
    """Return the number at the end of a URN; raises `InvalidAddress` where there is none."""
    if match := _URN.fullmatch(urn):
        return int(match["number"])
    raise InvalidAddress(f"{urn!r} is not a URN of SoundCloud")
