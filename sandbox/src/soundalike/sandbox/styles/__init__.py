"""The eight styles of the demo's music."""

from typing import Final

from soundalike.sandbox.styles import ambient, blues, chiptune, gamelan, hiphop, rock, techno, waltz
from soundalike.sandbox.styles.style import Style

STYLES: Final[tuple[Style, ...]] = (
    ambient.STYLE,
    techno.STYLE,
    waltz.STYLE,
    blues.STYLE,
    chiptune.STYLE,
    gamelan.STYLE,
    rock.STYLE,
    hiphop.STYLE,
)

__all__ = ["STYLES", "Style"]
