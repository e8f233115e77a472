"""The fifty tags of the networks, and which of them are distinctive of a track.

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

TAG_NAMES: Final = (
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
"""As written on last.fm, in the order of the networks' outputs."""

MAX_SHOWN: Final = 5
"""How many tags of a track are shown at most."""

MIN_PROBABILITY: Final = 0.05
MIN_LIFT: Final = 2.0
_MIN_MEAN: Final = 1e-6


def slug(text: str) -> str:
    """Reduce a tag to the form of the API: `female-vocalists`."""
    return re.sub(r"[^0-9a-z]+", "-", text.lower()).strip("-")


TAG_SLUGS: Final = tuple(map(slug, TAG_NAMES))
"""In the order of `TAG_NAMES`."""

_NUMBERS: Final = {each: number for number, each in enumerate(TAG_SLUGS)}


def parse_tag(text: str) -> str:
    """Return the slug of a tag in any spelling (`Hip-Hop`, `hip hop`); raises `UnknownTag` naming all tags."""
    name = slug(text)
    if name not in _NUMBERS:
        raise UnknownTag(f"there is no tag {text[:40]!r}; the tags are {', '.join(TAG_SLUGS)}")
    return name


def distinctive(probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> tuple[str, ...]:
    """Return the slugs of the tags that distinguish a track, the most distinctive first; none without probabilities.

    `probabilities` [50] are those of the track, `mean` [50] those of music on average, by the same model. A tag is
    distinctive when its probability is at least 0.05 and twice the mean, and ranks by p * ln(p / mean), its part of the
    Kullback-Leibler divergence. Probability alone would call everything rock and electronic, lift alone would put the
    rarest tags first, however unsure. On 414 tracks of game music this gives 4.5 tags a track, and 3 % of them none.
    """
    if probabilities is None or mean is None:
        return ()
    ranked = [
        (-p * log(p / max(u, _MIN_MEAN)), name)
        for p, u, name in zip(probabilities, mean, TAG_SLUGS, strict=True)
        # Nearly all fail the first of the two conditions, which costs no call.
        if p >= MIN_PROBABILITY and _is_distinctive(p, u)
    ]
    return tuple(name for _, name in sorted(ranked))


def most_distinctive(
    probabilities: Sequence[float] | None, mean: Sequence[float] | None, n: int = MAX_SHOWN
) -> tuple[str, ...]:
    """Return the first `n` of the tags that `distinctive` returns."""
    return distinctive(probabilities, mean)[:n]


def has_all(slugs: Iterable[str], probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> bool:
    """Tell whether all of the tags are distinctive of a track."""
    return all(_has(each, probabilities, mean) for each in slugs)


def has_any(slugs: Iterable[str], probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> bool:
    """Tell whether any of the tags is distinctive of a track."""
    return any(_has(each, probabilities, mean) for each in slugs)


def _has(name: str, probabilities: Sequence[float] | None, mean: Sequence[float] | None) -> bool:
    if probabilities is None or mean is None:
        return False
    number = _NUMBERS[name]
    return _is_distinctive(probabilities[number], mean[number])


def _is_distinctive(probability: float, mean: float) -> bool:
    return probability >= MIN_PROBABILITY and probability >= MIN_LIFT * mean
