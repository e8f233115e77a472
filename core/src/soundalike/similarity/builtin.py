"""Projections and calibrations that come with this package, made from varied music, for some model ids.

On music that they were not fitted on they rank better than raw vectors, and better than a projection fitted on that
music itself, which treats what its albums have in common as noise: album MAP .435 against .420 and .412, means over 30
random divisions of 32 game soundtracks by album.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from soundalike.similarity.calibration import Calibration
from soundalike.similarity.projection import Projection

_SAFE_MODEL_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")


@cache
def builtin_projection(model: str) -> Projection | None:
    """Return the built-in projection of a model id, or None where there is none.

    Made by: soundalike extract CORPUS --out vectors.npz; python -m soundalike.indexer fit-projection vectors.npz --out
    core/src/soundalike/similarity/projections/<model id>.npz
    """
    content = _content("projections", model)
    return Projection.from_bytes(content) if content is not None else None


@cache
def builtin_calibration(model: str) -> Calibration | None:
    """Return the calibration of the built-in projection of a model id, or None where there is none.

    Made by: python -m soundalike.research.bench.hubs VECTORS.npz --albums CORPUS/tracks.csv --out
    core/src/soundalike/similarity/calibrations/<model id>.npz
    """
    content = _content("calibrations", model)
    return Calibration.from_bytes(content) if content is not None else None


def _content(folder: str, model: str) -> bytes | None:
    if not _SAFE_MODEL_ID.fullmatch(model):
        return None
    file = resources.files("soundalike.similarity").joinpath(folder, f"{model}.npz")
    return file.read_bytes() if file.is_file() else None
