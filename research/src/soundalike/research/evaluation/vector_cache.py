"""A cache of vectors, by extractor, version of the recording and checksum of the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from soundalike.research.evaluation.errors import CacheUnavailable
from soundalike.storage.private_directories import user_cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS vectors (
    extractor TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (extractor, version, sha256)
) WITHOUT ROWID
"""
_SELECT: Final = "SELECT sha256, vector FROM vectors WHERE extractor = ? AND version = ?"
_INSERT: Final = "INSERT OR REPLACE INTO vectors (extractor, version, sha256, vector) VALUES (?, ?, ?, ?)"
_WAIT_SECONDS: Final = 60


class VectorCache(Protocol):
    """Stores vectors float32 [d]; an empty one means that the recording has no such version."""

    def load(self, extractor: str, version: str) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors by checksum."""

    def save(self, sha256: str, vectors: Mapping[tuple[str, str], NDArray[np.float32]]) -> None:
        """Store the vectors of one recording by (extractor, version), all or none."""


class MemoryCache:
    """A cache that ends with the process."""

    def __init__(self) -> None:
        self._vectors: dict[tuple[str, str, str], NDArray[np.float32]] = {}

    def load(self, extractor: str, version: str) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors by checksum."""
        return {key[2]: vector for key, vector in self._vectors.items() if key[:2] == (extractor, version)}

    def save(self, sha256: str, vectors: Mapping[tuple[str, str], NDArray[np.float32]]) -> None:
        """Store the vectors of one recording."""
        self._vectors |= {(*key, sha256): vector for key, vector in vectors.items()}


class FileCache:
    """One SQLite file; several runs may use it at the same time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(_CREATE)

    def load(self, extractor: str, version: str) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors by checksum."""
        rows = self._connection.execute(_SELECT, (extractor, version))
        return {sha256: np.frombuffer(vector, dtype="<f4").astype(np.float32) for sha256, vector in rows}

    def save(self, sha256: str, vectors: Mapping[tuple[str, str], NDArray[np.float32]]) -> None:
        """Store the vectors of one recording."""
        rows = [(*key, sha256, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._connection:
            self._connection.executemany(_INSERT, rows)


@contextmanager
def open_cache(file: Path) -> Iterator[FileCache]:
    """Open a cache, created where there is none; raises `CacheUnavailable`, also for failures during its use."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=_WAIT_SECONDS)) as connection:
            yield FileCache(connection)
    except (sqlite3.Error, OSError) as error:
        raise CacheUnavailable(
            f"the cache {file} cannot be used ({error}); select another with --cache, or delete it"
        ) from error


def default_file() -> Path:
    """Return the default path of the cache (XDG Base Directory Specification)."""
    return user_cache_directory() / "evaluation.sqlite"
