"""The part of a file that a request names (RFC 9110, 14)."""

from __future__ import annotations

import re
from typing import Final

from soundalike.api.errors import UnsatisfiableRange

_SINGLE: Final = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


def requested_range(header: str | None, size: int) -> range | None:
    """Return the bytes that a `Range` header names of a file of `size` bytes, None for all of it.

    A header that is none of one range in bytes is ignored, as the standard allows: no browser asks for several. Raises
    `UnsatisfiableRange` for one that lies behind the end.
    """
    match = _SINGLE.fullmatch(header) if header else None
    if match is None or match[0].strip().endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        # So many at the end.
        span = range(max(0, size - int(last)), size)
    else:
        if last and int(last) < int(first):
            return None
        span = range(int(first), min(size, int(last) + 1) if last else size)
    if not span:
        raise UnsatisfiableRange(f"the file has {size} bytes")
    return span
