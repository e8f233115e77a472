"""TensorFlow, imported when it is first needed and without its startup messages."""

from __future__ import annotations

import os
import warnings
from functools import cache
from typing import Any, Final

from soundalike.extractor import stderr_filter
from soundalike.extractor.errors import TensorFlowMissing

_STARTUP_MESSAGES: Final = (b"oneDNN custom operations are on", b"before absl::InitializeLog()")
"""Written at every start whatever TF_CPP_MIN_LOG_LEVEL says."""


@cache
def tensorflow() -> Any:
    """Import TensorFlow (seconds and hundreds of megabytes); raises `TensorFlowMissing` where it is not installed."""
    # Read when the library is loaded; only errors matter.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with stderr_filter.suppress_lines(*_STARTUP_MESSAGES), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import tensorflow as tf
        except ModuleNotFoundError as error:
            raise TensorFlowMissing(
                "this command needs TensorFlow: run `make install` in a checkout, or install the extra `build` of "
                "soundalike-extractor"
            ) from error

        # The device is set up, with messages, at the first operation.
        tf.zeros([])
    return tf
