"""What C libraries write to stderr whatever they are told, and which says nothing about our work."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without(*known: bytes) -> Iterator[None]:
    """Hold back what is written to stderr, and hand on all lines of it but those with a `known` part.

    For the start of a process: what other threads write meanwhile comes late.
    """
    try:
        stderr = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not any(part in line for part in known):
                    os.write(2, line)
