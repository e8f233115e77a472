from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .audio_forms import FORMS, chirp

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Encode a chirp of some seconds, or given stereo frames, in one of the forms; the same one only once."""
    cache: dict[tuple[str, float], bytes] = {}

    def encoded(form: str, seconds: float = 40.0, frames: NDArray[np.float32] | None = None) -> bytes:
        by, rate, options = FORMS[form]
        if frames is not None:
            return by(frames, rate, **options)
        if (form, seconds) not in cache:
            cache[form, seconds] = by(chirp(seconds, rate), rate, **options)
        return cache[form, seconds]

    return encoded
