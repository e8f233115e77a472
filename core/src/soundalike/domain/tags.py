"""The fifty tags that the networks know, and which of them a track is said to have.

The names and their order are those of the fifty most frequent last.fm tags of the Million Song Dataset, on which both
Choi's tagger and musicnn were trained.
"""

from __future__ import annotations

import re
from math import log
from typing import TYPE_CHECKING, Final

from soundalike.errors import UnknownTag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAMES: Final = (
    "rock", "pop", "alternative", "indie", "electronic",
    "female vocalists", "dance", "00s", "alternative rock", "jazz",
    "beautiful", "metal", "chillout", "male vocalists", "classic rock",
    "soul", "indie rock", "Mellow", "electronica", "80s",
    "folk", "90s", "chill", "instrumental", "punk",
    "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "Hip-Hop", "70s",
    "party", "country", "easy listening", "sexy", "catchy",
    "funk", "electro", "heavy metal", "Progressive rock", "60s",
    "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip
"""As people wrote them, in the order of the networks' outputs."""

MAX_SHOWN: Final = 5
"""How many tags of a track are shown at most."""

MIN_PROBABILITY: Final = 0.05
MIN_LIFT: Final = 2.0
_SMALLEST_USUAL: Final = 1e-6


def slug(text: str) -> str:
    """Reduce a tag to the form in which it is asked for and shown: `female-vocalists`."""
    return re.sub(r"[^0-9a-z]+", "-", text.lower()).strip("-")


SLUGS: Final = tuple(map(slug, NAMES))
"""In the order of `NAMES`."""

_NUMBERS: Final = {each: number for number, each in enumerate(SLUGS)}


def parse_tag(text: str) -> str:
    """Return the slug of a tag in any spelling (`Hip-Hop`, `hip hop`); raises `UnknownTag` naming the known ones."""
    found = slug(text)
    if found not in _NUMBERS:
        raise UnknownTag(f"there is no tag {text[:40]!r}; known are {', '.join(SLUGS)}")
    return found


def distinctive(probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> tuple[str, ...]:
    """Return the slugs of the tags that tell a track from others, the most telling first; none where nothing is known.

    `probabilities` [50] are what a model says of the track, `mean` [50] what it says of music on average. A tag is
    held when its probability is at least 0.05 and twice the usual one, and ranks by p * ln(p / usual), its part of the
    Kullback-Leibler divergence. Probability alone would call everything rock and electronic, lift alone would put the
    rarest tags first, however unsure. On 414 tracks of game music this gives 4.5 tags a track, and 3 % of them none.
    """
    if probabilities is None or mean is None:
        return ()
    found = [
        (-p * log(p / max(u, _SMALLEST_USUAL)), name)
        for p, u, name in zip(probabilities, mean, SLUGS, strict=True)
        # Nearly all fall at the first of the two, so it is asked before anything is called.
        if p >= MIN_PROBABILITY and _is_held(p, u)
    ]
    return tuple(name for _, name in sorted(found))


def most_distinctive(
    probabilities: Sequence[float] | None, mean: Sequence[float] | None, n: int = MAX_SHOWN
) -> tuple[str, ...]:
    """Return the first `n` of the tags that `distinctive` returns."""
    return distinctive(probabilities, mean)[:n]


def has_all(slugs: Iterable[str], probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> bool:
    """Tell whether a track holds every one of the tags."""
    return all(_holds(each, probabilities, mean) for each in slugs)


def has_any(slugs: Iterable[str], probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> bool:
    """Tell whether a track holds one of the tags or more."""
    return any(_holds(each, probabilities, mean) for each in slugs)


def _holds(name: str, probabilities: Sequence[float] | None, usual: Sequence[float] | None) -> bool:
    if probabilities is None or usual is None:
        return False
    number = _NUMBERS[name]
    return _is_held(probabilities[number], usual[number])


def _is_held(probability: float, usual: float) -> bool:
    return probability >= MIN_PROBABILITY and probability >= MIN_LIFT * usual
