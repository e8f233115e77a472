"""Arrays in files: written whole, mapped into memory, and the names of their rows.

What is read may be forged: a header is parsed within limits and compared with the length of the file before anything
is allocated, and nothing is ever unpickled.
"""

from __future__ import annotations

import math
import zipfile
from io import BytesIO
from itertools import pairwise
from pathlib import PurePath
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from soundalike.storage.artifacts.errors import CorruptVersion, InvalidArray, InvalidNames
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK_ROWS: Final = 16_384
"""How many rows are looked at together, so that a check needs little memory."""

_MAX_HEADER_BYTES: Final = 1_000
_MAX_NAME_BYTES: Final = 1_000
_PARSER_LIMITS: Final = (MemoryError, RecursionError)
# What NumPy raises for headers that it did not write; the last two for those nested beyond the parser's limits.
_HEADER_FAILURES: Final = (
    ValueError,
    TypeError,
    SyntaxError,
    TokenError,
    EOFError,
    OSError,
    MemoryError,
    RecursionError,
)


def write_array(path: Path, values: NDArray[Any]) -> None:
    """Write an array as NumPy does, without pickles."""
    with atomic_write(path) as part, part.open("wb") as file:
        np.save(file, values, allow_pickle=False)


def map_array(file: BinaryIO, kind: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """Map the array in an open file into memory, read-only; it stays mapped when the file is closed.

    Raises `CorruptVersion` where the file holds another kind, shape or order, or more or less than that array.
    """
    name = PurePath(file.name).name
    try:
        dtype, actual_shape, is_fortran = _read_header(file)
    except InvalidArray as error:
        raise CorruptVersion(f"{name} is not an array: {error}") from error
    is_same_kind = dtype.type is kind if kind is np.bytes_ else dtype == np.dtype(kind)
    if actual_shape != shape or not is_same_kind:
        raise CorruptVersion(f"{name} contains {dtype} {list(actual_shape)} instead of {kind} {list(shape)}")
    offset = file.tell()
    size = file.seek(0, 2) - offset
    if size != math.prod(shape) * dtype.itemsize or dtype.itemsize == 0 or (is_fortran and len(shape) > 1):
        raise CorruptVersion(f"{name} has {size} bytes after the header of {dtype} {list(shape)}")
    return np.asarray(np.memmap(file, dtype, "r", offset, shape))


def read_arrays(content: bytes, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz file as `numpy.savez` writes it, which are exactly those of `names`.

    Nothing is unpacked: a compressed entry is refused, so that no more memory is taken than the file is long. Raises
    `InvalidArray`.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if sorted(entry.filename for entry in entries) != sorted(f"{name}.npy" for name in names):
                raise InvalidArray(f"it holds {sorted(entry.filename for entry in entries)[:20]}")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > len(content):
                    raise InvalidArray(f"{entry.filename} is compressed")
                arrays[entry.filename.removesuffix(".npy")] = _read_array(archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *_HEADER_FAILURES) as error:
        raise InvalidArray(str(error)) from error
    return arrays


def write_names(path: Path, names: Sequence[str]) -> NDArray[np.int64]:
    """Write the names of rows, ascending, as fixed-width bytes in UTF-8; returns which of `names` each row is.

    Raises `InvalidNames` for empty or repeated names, names with a NUL byte and those longer than 1,000 bytes.
    """
    encoded = [name.encode() for name in names]
    if any(not name or b"\0" in name for name in encoded):
        raise InvalidNames("a URN is empty or contains a NUL byte")
    array = np.array(encoded, dtype=np.bytes_)
    if array.dtype.itemsize > _MAX_NAME_BYTES:
        raise InvalidNames(f"a URN is longer than {_MAX_NAME_BYTES} bytes")
    order = np.argsort(array, kind="stable")
    array = array[order]
    if (array[1:] == array[:-1]).any():
        raise InvalidNames("a URN occurs twice; every track has one row")
    write_array(path, array)
    return order


def check_names(names: NDArray[np.bytes_], file_name: str) -> None:
    """Raise `CorruptVersion` unless these [n] are names as `write_names` writes them."""
    if names.dtype.itemsize > _MAX_NAME_BYTES:
        raise CorruptVersion(f"{file_name} has names of {names.dtype.itemsize} bytes")
    for start in range(0, len(names), CHUNK_ROWS):
        # One row of the chunk before, with which the first of this one is compared.
        chunk = names[max(0, start - 1) : start + CHUNK_ROWS].tolist()
        if not all(before < name for before, name in pairwise(chunk)):
            raise CorruptVersion(f"the names of {file_name} are not in ascending order, each once")
        if any(not name or b"\0" in name for name in chunk):
            raise CorruptVersion(f"{file_name} has a name that is empty or contains a NUL byte")
        try:
            b"\0".join(chunk).decode()
        except UnicodeDecodeError as error:
            raise CorruptVersion(f"{file_name} has a name that is not UTF-8: {error}") from error


def check_values(values: NDArray[Any], file_name: str, *, low: float, high: float) -> None:
    """Raise `CorruptVersion` unless all of `values` lie between `low` and `high`; NaN does not."""
    for start in range(0, len(values), CHUNK_ROWS):
        chunk = values[start : start + CHUNK_ROWS]
        # Comparisons with NaN are false.
        if not (chunk.min(initial=low) >= low and chunk.max(initial=high) <= high):
            raise CorruptVersion(f"{file_name} has values that are not between {low:g} and {high:g}")


def rows_of(names: NDArray[np.bytes_], targets: Sequence[str]) -> NDArray[np.int64]:
    """Return the rows [m] of the `targets` [m] among `names` [n], as `write_names` wrote them; -1 for one not there."""
    width = names.dtype.itemsize
    # A wider array would be compared with a widened copy of all names.
    encoded = [name if len(name) <= width else b"" for name in map(str.encode, targets)]
    searched = np.array(encoded, dtype=names.dtype)
    rows = np.minimum(np.searchsorted(names, searched), len(names) - 1)
    return np.where(names[rows] == searched, rows, -1)


def _read_array(content: bytes) -> NDArray[Any]:
    file = BytesIO(content)
    dtype, shape, is_fortran = _read_header(file)
    offset = file.tell()
    if math.prod(shape) * dtype.itemsize != len(content) - offset:
        raise InvalidArray(f"{len(content) - offset} bytes follow the header of {dtype} {list(shape)}")
    return np.frombuffer(content, dtype, offset=offset).reshape(shape, order="F" if is_fortran else "C")


def _read_header(file: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    """Return type, shape and order of the array at the start of a file, whose position is then that of its values."""
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise InvalidArray("its format is not 1.0")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=_MAX_HEADER_BYTES)
    except _HEADER_FAILURES as error:
        raise InvalidArray(" ".join(str(error).split())) from error
    if dtype.hasobject or dtype.fields or dtype.subdtype or any(length < 0 for length in shape):
        raise InvalidArray(f"it contains {dtype} {list(shape)}")
    return dtype, shape, is_fortran
