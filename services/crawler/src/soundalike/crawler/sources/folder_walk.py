"""Walking a folder: sorted, hidden names left out, links followed but never in circles."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Lies:
    """A regular file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Closed:
    """A file or folder that cannot be looked at, with the system's reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Odd:
    """A pipe, a device or a socket."""

    path: Path


def walk(folder: Path) -> Iterator[Lies | Closed | Odd]:
    """Yield everything below `folder` by name, files before the folders beside them; each folder once."""
    yield from _walk(folder, set())


def _walk(folder: Path, visited: set[tuple[int, int]]) -> Iterator[Lies | Closed | Odd]:
    try:
        here = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names, in an order of their own
    except OSError as error:
        yield Closed(folder, error.strerror or str(error))
        return
    if (here.st_dev, here.st_ino) in visited:
        return
    visited.add((here.st_dev, here.st_ino))
    folders: list[Path] = []
    for name in names:
        if name.startswith("."):
            continue
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield Closed(path, error.strerror or str(error))
            continue
        if stat.S_ISDIR(mode):
            folders.append(path)
        else:
            yield Lies(path) if stat.S_ISREG(mode) else Odd(path)
    for inner in folders:
        yield from _walk(inner, visited)
