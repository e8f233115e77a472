"""Who is recommended how often: N_k, the number of top-k lists that a track stands in.

Source: M. Radovanović, A. Nanopoulos, M. Ivanović: Hubs in space, JMLR 2010.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundalike.research.evaluation.errors import TooLittleData

if TYPE_CHECKING:
    from numpy.typing import NDArray


def occurrences(top: NDArray[np.integer], tracks: int) -> NDArray[np.int64]:
    """Count in how many lists int [q, k] each of `tracks` tracks stands, int64 [tracks]."""
    if top.size == 0:
        raise TooLittleData("there are no lists to count in")
    if top.min() < 0 or top.max() >= tracks:
        raise ValueError("a list names a track that does not exist")
    return np.bincount(top.ravel(), minlength=tracks).astype(np.int64)
