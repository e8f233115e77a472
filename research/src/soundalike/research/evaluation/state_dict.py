"""Files of PyTorch's older form, read without PyTorch: the numbers of a network by name.

Source: `torch.serialization._legacy_save`: pickles of a magic number, a version, the system and the dictionary, whose
tensors name their storages; a pickle of the storages' names; and of each its length, int64, and its content.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.research.evaluation.errors import InvalidModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_TYPES: Final[dict[str, np.dtype[Any]]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _TensorPickle(pickle.Unpickler):
    """Makes nothing but dictionaries and descriptions of tensors, whatever the file asks for."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: (storage, offset, shape, stride)
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a network's numbers")

    def persistent_load(self, pid: Any) -> Any:
        return pid[1], pid[2]


def read_state_dict(content: bytes) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by name; raises `InvalidModel`."""
    file = io.BytesIO(content)
    try:
        magic, _, _, tensors, keys = (_TensorPickle(file).load() for _ in range(5))
        if magic != _MAGIC:
            raise InvalidModel("the file is not of PyTorch's older form")
        types = {storage[1]: _TYPES[storage[0]] for storage, *_ in tensors.values()}
        storages = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            storages[key] = np.frombuffer(file.read(count * types[key].itemsize), types[key], count)
        return {name: _array(storages[entry[0][1]], *entry[1:]) for name, entry in tensors.items()}
    except (pickle.UnpicklingError, EOFError, AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise InvalidModel(f"the file holds no network of PyTorch's older form: {error}") from error


def _array(storage: NDArray[Any], offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> NDArray[Any]:
    end = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True)) + 1
    if offset < 0 or min(stride, default=0) < 0 or end > len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [step * storage.itemsize for step in stride]
    return np.array(np.lib.stride_tricks.as_strided(storage[offset:], shape, strides))
