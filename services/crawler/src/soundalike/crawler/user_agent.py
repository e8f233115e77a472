"""How the crawler introduces itself."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

_PACKAGE: Final = "soundalike-crawler"


def user_agent(contact: str | None) -> str:
    """Return the User-Agent of every request: program, version, and whom to write to where that is told."""
    name = f"{_PACKAGE}/{version(_PACKAGE)}"
    return f"{name} (+{contact})" if contact else name
