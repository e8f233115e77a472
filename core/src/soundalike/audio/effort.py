"""How much of a file is looked at before it is given up, where its parts are far smaller than those of sound."""

from __future__ import annotations

from typing import Final

from soundalike.audio.errors import TooDemanding

_FREE_STEPS: Final = 50_000
_BYTES_PER_STEP: Final = 40
"""Speech at 16 kbit/s takes that for each of its frames, and music more."""

JUNK_STEPS: Final = 4
SEARCH_STEPS: Final = 8
LINK_STEPS: Final = 200


class Effort:
    """Steps that a file of `size` bytes may take, each of about a microsecond: 0.3 s for 12 MB."""

    def __init__(self, size: int) -> None:
        self._steps_left = _FREE_STEPS + size // _BYTES_PER_STEP

    def spend(self, steps: int = 1) -> None:
        """Take some of the steps; raises `TooDemanding` where none are left."""
        self._steps_left -= steps
        if self._steps_left < 0:
            raise TooDemanding("it consists of far more and smaller parts than a recording of its size")
