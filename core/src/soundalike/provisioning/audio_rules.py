"""The rules of the bucket for audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soundalike.storage.object_keys import PREVIEWS, UPLOADS


@dataclass(frozen=True, slots=True)
class AudioRule:
    """Objects below `prefix` are announced to the extractor, and deleted after `days` days."""

    prefix: str
    days: int


AUDIO_RULES: Final = {
    "soundalike-previews": AudioRule(PREVIEWS, 14),
    "soundalike-queries": AudioRule(UPLOADS, 1),
}
"""By their ids among the rules of the bucket."""
