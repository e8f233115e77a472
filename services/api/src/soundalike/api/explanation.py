"""Why a track is an answer: in which of the network's layers the two are alike, and which tags they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LAYERS: Final = ("texture", "attack", "rhythm", "phrasing", "character")
"""The five layers, named by what can be heard in the stretch of music that each of them overlooks at once.

0.1 s, 0.3 s, 1.7 s, 7 s and the whole passage: poolings of 4, 16, 80, 320 and 1,280 frames of 256 samples at 12 kHz.
"""

Signal = Literal["sound", "taste"]
SOUND: Final = "sound"
TASTE: Final = "taste"
"""The two signals: how tracks sound, and who favourites them."""

_STRONG: Final = 0.9
_STRONG_EVERYWHERE: Final = 0.95
_FAIR: Final = 0.6
_NAMED: Final = 2
_TAGS: Final = 3


def sentence(alike: Mapping[str, float], shared_tags: Sequence[str], signals: Collection[str] = (SOUND,)) -> str:
    """Say it in a sentence: "Alike above all in rhythm and texture; both electronic, ambient."."""
    parts = [_in_layers(alike)] if SOUND in signals else []
    if TASTE in signals:
        parts.append("favourited by the same people" if parts else "Favourited by the same people")
    if shared_tags:
        parts.append(f"both {', '.join(tag.replace('-', ' ') for tag in shared_tags[:_TAGS])}")
    return f"{'; '.join(parts)}."


def _in_layers(alike: Mapping[str, float]) -> str:
    first = sorted(alike, key=lambda layer: -alike[layer])[:_NAMED]
    strong = [layer for layer in first if alike[layer] >= _STRONG]
    if not alike:
        return "Alike as a whole"
    if len(strong) == _NAMED and min(alike.values()) >= _STRONG_EVERYWHERE:
        return f"Alike in every way, above all in {' and '.join(strong)}"
    if strong:
        return f"Alike above all in {' and '.join(strong)}"
    if alike[first[0]] >= _FAIR:
        return f"Somewhat alike, most in {first[0]}"
    return "Among the nearest there are, but not much alike"
