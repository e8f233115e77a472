"""Folders that are ours alone: made closed to other users, and checked before they are used.

What another user of the machine can put into a folder, or put in its place, is not what we wrote there. A folder with a
name that can be guessed, below one that everybody can write such as /tmp, belongs to whoever makes it first.
"""

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from soundalike.errors import UnusableDirectory

_PRIVATE: Final = 0o700
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def private_directory(path: Path, *, owner: int | None = None) -> Path:
    """Make the folder at `path` where it does not exist, for its owner only, and return it when it is safe to use.

    Folders above it that do not exist are made in the same way. Raises `UnusableDirectory` where it cannot be made, is
    a link, belongs to another user than `owner` (a uid; by default this process), can be written by others, or lies in
    a folder in which everybody can exchange it.
    """
    path = path.absolute()
    try:
        for folder in [*reversed([parent for parent in path.parents if not parent.exists()]), path]:
            # A link that leads nowhere, or a file, is described below.
            with suppress(FileExistsError):
                folder.mkdir(mode=_PRIVATE)
    except OSError as error:
        raise UnusableDirectory(f"{path} cannot be made: {error.strerror}") from error
    check_private(path, owner=owner)
    return path


def check_private(path: Path, *, owner: int | None = None) -> None:
    """Raise `UnusableDirectory` unless there is a folder at `path` that `private_directory` would return."""
    try:
        status = path.lstat()
    except OSError as error:
        raise UnusableDirectory(f"{path} cannot be used: {error.strerror}") from error
    if stat.S_ISLNK(status.st_mode):
        raise UnusableDirectory(f"{path} is a symbolic link: name the folder that it leads to")
    if not stat.S_ISDIR(status.st_mode):
        raise UnusableDirectory(f"{path} is not a folder")
    if status.st_uid != (os.geteuid() if owner is None else owner):
        raise UnusableDirectory(f"{path} belongs to {_user_name(status.st_uid)}, not to the user of this program")
    if status.st_mode & _OTHERS_WRITE:
        raise UnusableDirectory(f"other users can write to {path}: run `chmod go-w {path}` if nobody has")
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise UnusableDirectory(f"every user can exchange {path}, because all can write to {parent}")


def user_cache_directory() -> Path:
    """Name the folder of this user's files that can be made again (XDG Base Directory Specification)."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "soundalike"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
