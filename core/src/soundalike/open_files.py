"""How many files and sockets a process may have open."""

from __future__ import annotations

import resource
from typing import Final

_MAX_DESCRIPTORS: Final = 65_536


def raise_limit(maximum: int = _MAX_DESCRIPTORS) -> None:
    """Let this process, and those that it starts, open as many as the system allows, or `maximum` where that is less.

    A limit that is higher already stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = maximum if hard == resource.RLIM_INFINITY else min(hard, maximum)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


def limit() -> int | None:
    """Return how many it may have open, None for any number."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
