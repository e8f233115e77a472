"""What an answer that is no success says of the reason; SoundCloud has had four forms of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST: Final = 200


def said(body: bytes) -> str:
    """Return the reason in an error's body in one line, or nothing."""
    content = _content(body)
    errors = content.get("errors")
    listed = [one.get("error_message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    for text in (content.get("message"), content.get("error"), *listed, content.get("status")):
        if isinstance(text, str) and text.strip():
            return " ".join(text.split())[:_LONGEST]
    return ""


def patience_asked(body: bytes, retry_after: str | None, now: datetime) -> float | None:
    """Return for how many seconds SoundCloud wants to be left alone, or None where it does not say."""
    if retry_after and retry_after.strip().isdecimal():
        return float(retry_after)
    errors = _content(body).get("errors")
    for one in errors if isinstance(errors, list) else []:
        meta = one.get("meta") if isinstance(one, dict) else None
        reset = meta.get("reset_time") if isinstance(meta, dict) else None
        if isinstance(reset, str):
            try:
                moment = datetime.strptime(reset, "%Y/%m/%d %H:%M:%S %z")
            except ValueError:
                continue
            return max(0.0, (moment.astimezone(UTC) - now).total_seconds())
    return None


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
