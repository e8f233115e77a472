"""The files of a folder, and which of them are called like audio."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_kind import AudioKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_MORE_SUFFIXES: Final = (
    *(".3ga", ".aif", ".aifc", ".alac", ".awb", ".bwf", ".ec3", ".m4b", ".m4p", ".m4r", ".mka", ".mp1", ".mp4"),
    *(".mpp", ".oga", ".rf64", ".rm", ".snd", ".spx", ".wave"),
)
AUDIO_SUFFIXES: Final = frozenset(
    (*_MORE_SUFFIXES, *(f".{kind.extension}" for kind in AudioKind if kind.mime_type.startswith("audio/")))
)
"""Suffixes in lower case; a file called so is meant to be audio, also where its content is not understood."""


@dataclass(frozen=True, slots=True)
class RegularFile:
    """A regular file."""

    path: Path


@dataclass(frozen=True, slots=True)
class UnreadablePath:
    """A file or folder that cannot be read, with the reason that the system gives."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class SpecialFile:
    """A pipe, a device or a socket."""

    path: Path


def walk(folder: Path) -> Iterator[RegularFile | UnreadablePath | SpecialFile]:
    """Yield everything below `folder` by name, files before the folders beside them; hidden names are left out.

    Links are followed, each folder once.
    """
    visited: set[tuple[int, int]] = set()
    folders = [folder]
    while folders:
        yield from _list(folders.pop(), visited, folders)


def is_named_like_audio(path: Path) -> bool:
    """Tell whether the name of a file says that it is audio."""
    return path.suffix.lower() in AUDIO_SUFFIXES


def _list(
    folder: Path, visited: set[tuple[int, int]], folders: list[Path]
) -> Iterator[RegularFile | UnreadablePath | SpecialFile]:
    """Yield what lies in `folder` itself, and put the folders in it on the stack `folders`, the first on top."""
    try:
        here = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names, in an order of their own
    except OSError as error:
        yield UnreadablePath(folder, error.strerror or str(error))
        return
    if (here.st_dev, here.st_ino) in visited:
        return
    visited.add((here.st_dev, here.st_ino))
    inner_folders: list[Path] = []
    for name in names:
        if name.startswith("."):
            continue
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield UnreadablePath(path, error.strerror or str(error))
            continue
        if stat.S_ISDIR(mode):
            inner_folders.append(path)
        else:
            yield RegularFile(path) if stat.S_ISREG(mode) else SpecialFile(path)
    folders.extend(reversed(inner_folders))
