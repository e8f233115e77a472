"""Messages that C libraries write to stderr unconditionally, and that no user needs."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def suppress_lines(*patterns: bytes) -> Iterator[None]:
    """Buffer what is written to stderr, and forward all lines of it but those that contain one of `patterns`.

    For the start of a process: the output of other threads is delayed.
    """
    try:
        stderr = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            buffer.seek(0)
            for line in buffer:
                if not any(part in line for part in patterns):
                    os.write(2, line)
