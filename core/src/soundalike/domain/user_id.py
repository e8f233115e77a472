"""Identity of a SoundCloud account: a parser for what people paste, to the one text form that is stored."""

from __future__ import annotations

import re
from typing import Final

from soundalike.domain.track_id import LONGEST_TEXT
from soundalike.errors import InvalidUserId

ACCEPTED_FORMS: Final = "soundcloud:users:<digits>, the number alone, or https://api.soundcloud.com/users/<number>"

_FORMS: Final = re.compile(r"(?:soundcloud:users:|https://api\.soundcloud\.com/users/)?(?P<number>[1-9][0-9]{0,18})")


def user_urn(text: str) -> str:
    """Read what a person pastes and return the account's URN; nothing is fetched.

    Of people no names are kept, so the address of a profile names nobody here. Raises `InvalidUserId` naming the
    accepted forms.
    """
    pasted = text.strip()
    match = _FORMS.fullmatch(pasted)
    if match is None or len(pasted) > LONGEST_TEXT:
        raise InvalidUserId(f"{pasted[:80]!r} names no SoundCloud account; accepted are {ACCEPTED_FORMS}")
    return f"soundcloud:users:{match['number']}"
