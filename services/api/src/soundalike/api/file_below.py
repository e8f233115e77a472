"""Files that are opened only below a folder, whatever links somebody puts there meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from typing import Final

from soundalike.api.errors import LeadsOut

_MAX_LINKS: Final = 40
"""As many as Linux follows in a path."""

_FILE_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
"""Opening a pipe or a device must neither wait nor do anything; it is refused then."""

_FOLDER_FLAGS: Final = (
    getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY  # macOS has no O_PATH
)
_IS_LINK: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR})
"""What opening a link without following it fails with, which depends on the system."""


def open_below(root: bytes, path: bytes) -> int:
    """Open a regular file for reading and return its descriptor; `path` is relative to the folder `root`.

    Every step is opened from the folder before it and without following links, so that nothing can be exchanged between
    a check and its use. A link is followed by its text, as long as it stays below `root`, absolute ones too; the
    kernel's RESOLVE_BENEATH (openat2) refuses those, and only Linux has it. Raises `LeadsOut` where the path leads out
    of the folder, and `OSError` where there is no regular file or it cannot be read.
    """
    folders = [os.open(root, _FOLDER_FLAGS & ~os.O_NOFOLLOW)]
    links = 0
    steps = deque(_steps(path))
    try:
        while steps:
            name = steps.popleft()
            if name == b"..":
                if len(folders) == 1:
                    raise LeadsOut("the path leads out of its library")
                os.close(folders.pop())
                continue
            try:
                opened = os.open(name, _FOLDER_FLAGS if steps else _FILE_FLAGS, dir_fd=folders[-1])
            except OSError as error:
                target = _link_target(error, name, folders[-1])
                links += 1
                if links > _MAX_LINKS:
                    raise
                if target.startswith(b"/"):
                    target = _below(root, target)
                    while len(folders) > 1:
                        os.close(folders.pop())
                steps.extendleft(reversed(_steps(target)))
                continue
            if steps:
                folders.append(opened)
            else:
                return _regular(opened)
    finally:
        for folder in folders:
            os.close(folder)
    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _steps(path: bytes) -> list[bytes]:
    return [step for step in path.split(b"/") if step not in {b"", b"."}]


def _link_target(error: OSError, name: bytes, folder: int) -> bytes:
    """Return where a link leads; raises the error with which opening it failed where it is none."""
    if error.errno in _IS_LINK:
        try:
            return os.readlink(name, dir_fd=folder)
        except OSError:
            pass
    raise error


def _below(root: bytes, target: bytes) -> bytes:
    folder = root.rstrip(b"/") + b"/"
    if not target.startswith(folder):
        raise LeadsOut("a link leads out of its library")
    return target.removeprefix(folder)


def _regular(descriptor: int) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a regular file")
