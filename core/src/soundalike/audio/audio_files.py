"""Which files are called like audio."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, TypeVar

from soundalike.audio.audio_kind import AudioKind

P = TypeVar("P", bound=PurePath)


_MORE_SUFFIXES: Final = (
    *(".3ga", ".aif", ".aifc", ".alac", ".awb", ".bwf", ".ec3", ".m4b", ".m4p", ".m4r", ".mka", ".mp1", ".mp4"),
    *(".mpp", ".oga", ".rf64", ".rm", ".snd", ".spx", ".wave"),
)
AUDIO_SUFFIXES: Final = frozenset(
    (*_MORE_SUFFIXES, *(f".{kind.extension}" for kind in AudioKind if kind.mime_type.startswith("audio/")))
)
"""Suffixes in lower case; a file called so is meant to be audio, also where its content is not understood."""

_MORE_VIDEO_SUFFIXES: Final = (
    *(".3g2", ".3gp", ".asf", ".divx", ".m2ts", ".m4v", ".mkv", ".mov", ".mpeg", ".mts", ".ogm", ".ogv", ".qt"),
    *(".vob", ".wmv"),
)
_VIDEO_SUFFIXES: Final = frozenset(
    (*_MORE_VIDEO_SUFFIXES, *(f".{kind.extension}" for kind in AudioKind if kind.mime_type.startswith("video/")))
)
"""Suffixes of films, whose sound may be analysed; a file called so claims nothing."""


def is_named_like_audio(path: PurePath) -> bool:
    """Tell whether the name of a file says that it is audio."""
    return path.suffix.lower() in AUDIO_SUFFIXES


def without_suffix(path: P) -> P:
    """Return a path without the suffix of a kind of audio or video: "R.E.M. - E-Bow" has none."""
    return path.with_suffix("") if path.suffix.lower() in AUDIO_SUFFIXES | _VIDEO_SUFFIXES else path
