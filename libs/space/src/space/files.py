"""The files of an index version, and how they are written and checked.

All five lie in one folder. Rows of `vectors.npy` and `urns.npy` are numbered like the items of `index.bin`, in the
order of the urns, so that a urn is found by halving.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest.json"
INDEX: Final = "index.bin"
"""What the engine wrote that the manifest names."""
PROJECTION: Final = "projection.npz"
VECTORS: Final = "vectors.npy"
"""float32 [n, d], projected, unit length (or zero)."""
URNS: Final = "urns.npy"
"""Fixed-width bytes [n], UTF-8, ascending."""

CHECKED: Final = "checked.json"
"""Left by who has checked the others (`space.verification`); never published."""

DATA_FILES: Final = (INDEX, PROJECTION, VECTORS, URNS)
ALL_FILES: Final = (*DATA_FILES, MANIFEST)
"""In the order in which they are written and published: the manifest vouches for the others, so it comes last."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file gets its own name only when the block ends well, else it is removed."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_ahead(directory: Path) -> None:
    """Ask the system to read the files of a version from the disk soon, without waiting for it."""
    if not hasattr(os, "posix_fadvise"):  # macOS
        return
    for name in DATA_FILES:
        with (directory / name).open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
