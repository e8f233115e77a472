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
_MAX_LAYERS: Final = 2
_MAX_TAGS: Final = 3


def explain(
    layer_similarity: Mapping[str, float], shared_tags: Sequence[str], signals: Collection[str] = (SOUND,)
) -> str:
    """Say it in a sentence: "Alike above all in rhythm and texture; both electronic, ambient."."""
    parts = [_describe_layers(layer_similarity)] if SOUND in signals else []
    if TASTE in signals:
        parts.append("favourited by the same people" if parts else "Favourited by the same people")
    if shared_tags:
        parts.append(f"both {', '.join(tag.replace('-', ' ') for tag in shared_tags[:_MAX_TAGS])}")
    return f"{'; '.join(parts)}."


def _describe_layers(layer_similarity: Mapping[str, float]) -> str:
    first = sorted(layer_similarity, key=lambda layer: -layer_similarity[layer])[:_MAX_LAYERS]
    strong = [layer for layer in first if layer_similarity[layer] >= _STRONG]
    if not layer_similarity:
        return "Alike as a whole"
    if len(strong) == _MAX_LAYERS and min(layer_similarity.values()) >= _STRONG_EVERYWHERE:
        return f"Alike in every way, above all in {' and '.join(strong)}"
    if strong:
        return f"Alike above all in {' and '.join(strong)}"
    if layer_similarity[first[0]] >= _FAIR:
        return f"Somewhat alike, most in {first[0]}"
    return "Among the nearest there are, but not much alike"
