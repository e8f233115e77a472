"""Arrays in files: written whole, mapped into memory, and the names of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.storage.artifacts.errors import CorruptVersion, InvalidNames
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def write_array(path: Path, values: NDArray[Any]) -> None:
    """Write an array as NumPy does, without pickles."""
    with atomic_write(path) as part, part.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def map_array(path: Path, kind: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """Map an array into memory, read-only; raises `CorruptVersion` where it has another kind or shape."""
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptVersion(f"{path.name} is not an array: {error}") from error
    if mapped.shape != shape or mapped.dtype.type is not kind:
        raise CorruptVersion(
            f"{path.name} contains {mapped.dtype} {list(mapped.shape)} instead of {kind} {list(shape)}"
        )
    return np.asarray(mapped)


def write_names(path: Path, names: Sequence[str]) -> NDArray[np.int64]:
    """Write the names of rows, ascending, as fixed-width bytes in UTF-8; returns which of `names` each row is.

    Raises `InvalidNames` for empty or repeated names and names with a NUL byte.
    """
    encoded = [name.encode() for name in names]
    if any(not name or b"\0" in name for name in encoded):
        raise InvalidNames("a URN is empty or contains a NUL byte")
    array = np.array(encoded, dtype=np.bytes_)
    order = np.argsort(array, kind="stable")
    array = array[order]
    if (array[1:] == array[:-1]).any():
        raise InvalidNames("a URN occurs twice; every track has one row")
    write_array(path, array)
    return order


def rows_of(names: NDArray[np.bytes_], targets: Sequence[str]) -> NDArray[np.int64]:
    """Return the rows [m] of the `targets` [m] among `names` [n], as `write_names` wrote them; -1 for one not there."""
    width = names.dtype.itemsize
    # A wider array would be compared with a widened copy of all names.
    encoded = [name if len(name) <= width else b"" for name in map(str.encode, targets)]
    searched = np.array(encoded, dtype=names.dtype)
    rows = np.minimum(np.searchsorted(names, searched), len(names) - 1)
    return np.where(names[rows] == searched, rows, -1)
