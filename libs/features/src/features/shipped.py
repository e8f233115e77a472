"""Projections that come with the project, fitted once on varied music, one for each model id that has one.

On music that they were not fitted on they rank better than raw vectors, and better than a projection fitted on that
music itself, which takes what its albums have in common for noise: album MAP .435 against .420 and .412, means over 30
random divisions of 32 game soundtracks by album.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from features.projection import Projection

_SAFE = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")


@cache
def shipped_projection(model: str) -> Projection | None:
    """Return the projection that is shipped for a model id, or None where there is none.

    Made by: soundalike extract CORPUS --out vectors.npz; python -m indexer fit-projection vectors.npz --out
    libs/features/src/features/measured/<model id>.npz
    """
    if not _SAFE.fullmatch(model):
        return None
    file = resources.files("features").joinpath("measured", f"{model}.npz")
    return Projection.from_bytes(file.read_bytes()) if file.is_file() else None
