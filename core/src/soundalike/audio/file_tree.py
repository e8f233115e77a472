"""The files below a folder, in the order of the bytes of their paths, each looked at once."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from soundalike.audio.system_files import (
    RECYCLE_BINS,
    SYSTEM_FILES,
    is_recycle_bin,
    is_system_file,
    system_folder_kind,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLASH: Final = os.sep.encode()


@dataclass(frozen=True, slots=True)
class RegularFile:
    """A regular file; `path` is that below the folder, as the file system has it."""

    path: bytes
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class UnreadablePath:
    """A file or folder that cannot be read, with the reason that the system gives; empty for the folder itself."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class SpecialFile:
    """A pipe, a device or a socket."""

    path: bytes


@dataclass(frozen=True, slots=True)
class SystemItems:
    """What is left out (see `audio.system_files`): `count` of one kind at a path."""

    path: bytes
    kind: str
    count: int = 1


TreeItem: TypeAlias = RegularFile | UnreadablePath | SpecialFile | SystemItems


class _Entry(NamedTuple):
    """A name in a folder; `key` sorts it, a folder as what lies below it."""

    key: bytes
    path: bytes
    status: os.stat_result | None
    error: OSError | None
    is_link: bool = False


def walk(root: bytes, below: bytes = b"") -> Iterator[TreeItem]:
    """Yield everything below a folder, or below a folder in it, in the order of the bytes of the paths.

    What operating systems keep among the files is left out and told. Links are followed, each folder once; a link to a
    folder that lies below `root` itself is not, because what is in that one has its path there.
    """
    try:
        status = os.stat(os.path.join(root, below))  # noqa: PTH116, PTH118 - bytes
    except OSError as error:
        yield UnreadablePath(below, _reason(error))
        return
    visited: set[tuple[int, int]] = set()
    # The iterators of the folders that are being walked, so that only they are held in memory.
    levels = [iter([_Entry(b"", below, status, None)])]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif entry.status is None:
            yield UnreadablePath(entry.path, _reason(entry.error))
        elif not stat.S_ISDIR(entry.status.st_mode):
            yield _file(entry.path, entry.status)
        elif (folder := (entry.status.st_dev, entry.status.st_ino)) not in visited and not (
            entry.is_link and _leads_back(root, entry.path)
        ):
            visited.add(folder)
            inner = _open(root, entry.path)
            if isinstance(inner, list):
                levels.append(iter(inner))
            else:
                yield inner


def count_names(root: bytes, below: bytes = b"") -> int:
    """Count about how many files `walk` yields: folders are listed, but nothing in them is looked at."""
    count, folders = 0, [os.path.join(root, below)]  # noqa: PTH118 - bytes
    while folders:
        try:
            with os.scandir(folders.pop()) as names:
                for name in names:
                    if not name.is_dir(follow_symlinks=False):
                        count += 1
                    elif not system_folder_kind(name.name):
                        folders.append(name.path)
        except OSError:
            continue
    return count


def _open(root: bytes, path: bytes) -> list[_Entry] | UnreadablePath | SystemItems:
    name = os.path.basename(path)  # noqa: PTH119 - bytes
    if path and (kind := system_folder_kind(name)):
        return SystemItems(path, kind, _count_files(root, path) if kind == RECYCLE_BINS else 1)
    try:
        entries = _list(root, path)
    except OSError as error:
        return UnreadablePath(path, _reason(error))
    if is_recycle_bin(name, [os.path.basename(entry.path) for entry in entries]):  # noqa: PTH119 - bytes
        return SystemItems(path, RECYCLE_BINS, _count_files(root, path))
    return entries


def _list(root: bytes, path: bytes) -> list[_Entry]:
    entries = []
    with os.scandir(os.path.join(root, path)) as names:  # noqa: PTH118 - bytes
        for name in names:
            key, status, error = name.name, None, None
            try:
                status = name.stat()
            except OSError as failure:
                error = failure
            if status and stat.S_ISDIR(status.st_mode):
                key += _SLASH
            entries.append(_Entry(key, os.path.join(path, name.name), status, error, name.is_symlink()))  # noqa: PTH118 - bytes
    return sorted(entries, key=lambda entry: entry.key)


def _leads_back(root: bytes, link: bytes) -> bool:
    """Tell whether the folder to which a link leads lies below the root."""
    top = os.path.realpath(root)
    target = os.path.realpath(os.path.join(root, link))  # noqa: PTH118 - bytes
    return os.path.commonpath((top, target)) == top


def _file(path: bytes, status: os.stat_result) -> TreeItem:
    if is_system_file(os.path.basename(path)):  # noqa: PTH119 - bytes
        return SystemItems(path, SYSTEM_FILES)
    return RegularFile(path, status) if stat.S_ISREG(status.st_mode) else SpecialFile(path)


def _count_files(root: bytes, path: bytes) -> int:
    """Count what lies in a recycle bin, without following links."""
    return sum(len(files) for _, _, files in os.walk(os.path.join(root, path)))  # noqa: PTH118 - bytes


def _reason(error: OSError | None) -> str:
    return (error.strerror or str(error)) if error else "it cannot be read"
