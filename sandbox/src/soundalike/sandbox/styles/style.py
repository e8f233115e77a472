"""What a style is: who plays it, what it is called and how a piece of it is composed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from soundalike.sandbox.mixer import Stereo


@dataclass(frozen=True)
class Style:
    """One of the demo's styles: three artists with an album each, two pieces to the album.

    `compose` turns a seeded generator into 30 s of stereo samples, float32 (frames, 2).
    """

    slug: str
    description: str
    artists: tuple[str, str, str]
    albums: tuple[str, str, str]
    titles: tuple[str, str, str, str, str, str]
    compose: Callable[[np.random.Generator], Stereo]
