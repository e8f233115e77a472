"""The files of an index version, and how they are written and checked.

All five lie in one folder. Rows of `vectors.npy` and `urns.npy` are numbered like the items of `index.ann`.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest.json"
INDEX: Final = "index.ann"
PROJECTION: Final = "projection.npz"
VECTORS: Final = "vectors.npy"
"""float32 [n, d], projected, unit length (or zero)."""
URNS: Final = "urns.npy"
"""Fixed-width bytes [n], UTF-8."""

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
