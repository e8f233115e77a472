"""Identity of a SoundCloud account: reading what people paste to the one text form that is stored."""

from __future__ import annotations

from typing import Final

from soundalike.domain.service_urls import Kind, parse_address
from soundalike.errors import InvalidUserId

ACCEPTED_FORMS: Final = "soundcloud:users:<digits>, the number alone, or https://api.soundcloud.com/users/<number>"


def user_urn(text: str) -> str:
    """Read what a person pastes and return the account's URN; nothing is fetched.

    Names of people are not stored, so the address of a profile is not accepted. Raises `InvalidUserId` naming the
    accepted forms.
    """
    address = parse_address(text, expected=Kind.USER)
    if address is None or address.kind is not Kind.USER or address.source != "soundcloud":
        raise InvalidUserId(f"{text.strip()[:80]!r} names no SoundCloud account; accepted are {ACCEPTED_FORMS}")
    return address.urn
