"""International Standard Recording Codes as services and tags write them."""

from __future__ import annotations

import re
from typing import Final

_FORM: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")


def normalised_isrc(text: str | None) -> str | None:
    """Return the code in upper case without separators, or None for a text of another form (ISO 3901)."""
    code = re.sub(r"[\s-]", "", text or "").upper()
    return code if _FORM.fullmatch(code) else None


def isrc_urn(code: str) -> str:
    """Return the URN by which the recordings with a normalised code are blocked (see `db.erasure`)."""
    return f"isrc:{code}"
