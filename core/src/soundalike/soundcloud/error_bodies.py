"""The reason in an error response of SoundCloud, which has had four forms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from soundalike.http.replies import parse_json

_MAX_LENGTH: Final = 200


def error_message(body: bytes) -> str:
    """Return the reason in the body of an error response in one line, or an empty text."""
    content = _content(body)
    errors = content.get("errors")
    messages = [one.get("error_message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    for text in (content.get("message"), content.get("error"), *messages, content.get("status")):
        if isinstance(text, str) and text.strip():
            return " ".join(text.split())[:_MAX_LENGTH]
    return ""


def reset_after_s(body: bytes, now: datetime | None = None) -> float | None:
    """Return in how many seconds SoundCloud allows requests again, or None where the body does not say."""
    errors = _content(body).get("errors")
    for one in errors if isinstance(errors, list) else []:
        meta = one.get("meta") if isinstance(one, dict) else None
        reset = meta.get("reset_time") if isinstance(meta, dict) else None
        if isinstance(reset, str):
            try:
                moment = datetime.strptime(reset, "%Y/%m/%d %H:%M:%S %z")
            except ValueError:
                continue
            return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    return None


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = parse_json(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
