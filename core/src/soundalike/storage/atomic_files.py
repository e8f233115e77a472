"""Files that are written whole or not at all, their checksums, and reading them ahead."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""Mode of a file that only its owner can read."""

_USUAL: Final = 0o666


@contextmanager
def atomic_write(path: Path, *, mode: int = _USUAL, durable: bool = False) -> Iterator[Path]:
    """Give the path of an empty file to write to; it replaces `path` when the block ends well, else it is removed.

    Readers see the old file or the new one, with `durable` also after a power cut. `mode` is reduced by the umask.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield part
        if durable:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        part.replace(path)
        if durable:
            _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Put `text` into a file that only its owner can read, durably."""
    with atomic_write(path, mode=PRIVATE, durable=True) as part:
        part.write_text(text, encoding="utf-8")


def _sync_folder(folder: Path) -> None:
    # The name is part of the folder, and the file's own fsync does not write that.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prefetch(paths: Iterable[Path]) -> None:
    """Ask the system to read files from the disk soon, without waiting for it."""
    if not hasattr(os, "posix_fadvise"):  # macOS
        return
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
