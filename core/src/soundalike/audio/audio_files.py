"""Which files are called like audio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_kind import AudioKind

if TYPE_CHECKING:
    from pathlib import PurePath


_MORE_SUFFIXES: Final = (
    *(".3ga", ".aif", ".aifc", ".alac", ".awb", ".bwf", ".ec3", ".m4b", ".m4p", ".m4r", ".mka", ".mp1", ".mp4"),
    *(".mpp", ".oga", ".rf64", ".rm", ".snd", ".spx", ".wave"),
)
AUDIO_SUFFIXES: Final = frozenset(
    (*_MORE_SUFFIXES, *(f".{kind.extension}" for kind in AudioKind if kind.mime_type.startswith("audio/")))
)
"""Suffixes in lower case; a file called so is meant to be audio, also where its content is not understood."""


def is_named_like_audio(path: PurePath) -> bool:
    """Tell whether the name of a file says that it is audio."""
    return path.suffix.lower() in AUDIO_SUFFIXES
