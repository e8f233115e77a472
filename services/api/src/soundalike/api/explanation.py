"""Why a track is recommended: in which layers of the network it is similar to the seed, and which tags they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LAYERS: Final = ("texture", "attack", "rhythm", "phrasing", "character")
"""The five layers, named by what can be heard in the stretch of music that each of them covers at once.

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
    """Return a sentence such as "Similar in rhythm and texture; both electronic, ambient."."""
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
        return "Similar overall"
    if len(strong) == _MAX_LAYERS and min(layer_similarity.values()) >= _STRONG_EVERYWHERE:
        return f"Very similar, above all in {' and '.join(strong)}"
    if strong:
        return f"Similar in {' and '.join(strong)}"
    if layer_similarity[first[0]] >= _FAIR:
        return f"Most similar in {first[0]}"
    return "Similarity is low"
