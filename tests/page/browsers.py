"""The browser of the system, in which the page is tested."""

from __future__ import annotations

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Return the file of the system's Chromium; nothing is downloaded."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)
