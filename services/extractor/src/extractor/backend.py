"""TensorFlow, imported when it is first needed and without its chatter."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHATTER: Final = (b"oneDNN custom operations are on", b"before absl::InitializeLog()")
"""Written at every start whatever TF_CPP_MIN_LOG_LEVEL says."""


@cache
def tensorflow() -> Any:
    """Import TensorFlow (seconds and hundreds of megabytes, which `--help` and the tests of the rest do without)."""
    # Read when the library is loaded; what it writes below an error says nothing about our work.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_chatter(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf

        # The device is set up, and talked about, at the first operation.
        tf.zeros([])
    return tf


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Hold back what is written to stderr, and hand on all of it but the known chatter."""
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
                if not any(known in line for known in _CHATTER):
                    os.write(2, line)
