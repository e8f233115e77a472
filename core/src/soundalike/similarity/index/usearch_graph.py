"""The graph of a USearch file, checked before USearch follows it.

USearch 2 writes, without any padding (`index_dense.hpp`, `save_to_stream`; `index.hpp`, `node_bytes_`):

- rows and columns (32 bits each), and so many bytes of vectors: here one for each number;
- a head of 64 bytes: magic and version, kinds of metric, numbers, keys and slots, how many there are, dimensions;
- five numbers of 64 bits: nodes, neighbours on upper levels and on the lowest, highest level, the node to begin at;
- the level of each node (16 bits);
- the nodes: key (64 bits), level (16 bits), and for each level how many neighbours (32 bits) and room for the most
  there may be (32 bits each).

USearch checks none of it: where a number of neighbours, a neighbour or a level is wrong, it reads anywhere.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from soundalike.storage.artifacts.errors import CorruptVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHAPE: Final = struct.Struct("<II")
_HEAD: Final = struct.Struct("<7sHHHBBBBQQQ?22x")
_GRAPH: Final = struct.Struct("<QQQQQ")
_MAJOR_VERSION: Final = 2
# Cosine, numbers of 8 bits, keys of 64 bits, slots of 32 bits (`metric_kind_t`, `scalar_kind_t`).
_KINDS: Final = (ord("c"), 23, 14, 15)
_KEY_BYTES: Final = 8
_LEVEL_BYTES: Final = 2
_SLOT_BYTES: Final = 4
# The level of a node grows with the logarithm of their number.
_MAX_LEVEL: Final = 64
_CHUNK_BYTES: Final = 4_000_000


def check_graph(file: BinaryIO, count: int, dimensions: int, *, connectivity: int) -> None:
    """Raise `CorruptVersion` unless the file holds a graph of `count` vectors [`dimensions`] with keys from 0 on.

    Reads all but the vectors once, and takes some ten bytes a vector beside the chunk that is looked at. Every
    neighbour is a node that has the level on which it is one.
    """
    content = np.memmap(file, np.uint8, "r") if file.seek(0, 2) else np.empty(0, np.uint8)
    _check_head(content, count, dimensions)
    start = _SHAPE.size + count * dimensions + _HEAD.size
    graph = _GRAPH.unpack(content[start : start + _GRAPH.size].tobytes())
    start += _GRAPH.size
    levels = np.frombuffer(content[start : start + _LEVEL_BYTES * count].tobytes(), "<i2")
    if graph[:3] != (count, connectivity, 2 * connectivity) or not _fit(levels, *graph[3:]):
        raise CorruptVersion(f"the index has a graph {graph}, which is none of {count} vectors")
    start += _LEVEL_BYTES * count
    rooms = [2 * connectivity] + [connectivity] * int(levels.max())
    sizes = _KEY_BYTES + _LEVEL_BYTES + np.cumsum([_SLOT_BYTES * (1 + room) for room in rooms])
    ends = start + np.cumsum(sizes[levels])
    if ends[-1] != len(content):
        raise CorruptVersion(f"the index has {len(content)} bytes instead of {ends[-1]}")
    used = np.zeros(count, np.bool_)
    for level in range(len(rooms)):
        nodes, size = np.flatnonzero(levels == level), int(sizes[level])
        chunk = max(1, _CHUNK_BYTES // size)
        for first in range(0, len(nodes), chunk):
            offsets = ends[nodes[first : first + chunk]] - size
            _check_nodes(content[offsets[:, np.newaxis] + np.arange(size)], rooms[: level + 1], levels, used)


def _check_head(content: NDArray[np.uint8], count: int, dimensions: int) -> None:
    vectors = _SHAPE.size + count * dimensions
    if len(content) < vectors + _HEAD.size + _GRAPH.size + _LEVEL_BYTES * count:
        raise CorruptVersion(f"the index has {len(content)} bytes, too few for {count} vectors [{dimensions}]")
    shape = _SHAPE.unpack(content[: _SHAPE.size].tobytes())
    magic, major, _, _, *rest = _HEAD.unpack(content[vectors : vectors + _HEAD.size].tobytes())
    if shape != (count, dimensions) or magic != b"usearch" or major != _MAJOR_VERSION:
        raise CorruptVersion(f"the index is none of USearch {_MAJOR_VERSION} with {count} vectors [{dimensions}]")
    if tuple(rest) != (*_KINDS, count, 0, dimensions, False):
        raise CorruptVersion(f"the index is of another kind: {rest}")


def _fit(levels: NDArray[np.int16], max_level: int, entry: int) -> bool:
    return (
        bool((levels >= 0).all())
        and max_level <= _MAX_LEVEL
        and int(levels.max()) == max_level
        and entry < len(levels)
        and int(levels[entry]) == max_level
    )


def _check_nodes(
    nodes: NDArray[np.uint8], rooms: list[int], levels: NDArray[np.int16], used: NDArray[np.bool_]
) -> None:
    """Check nodes [n, bytes] of one level, which have `rooms` for neighbours on it and on those below."""
    count = len(levels)
    keys = nodes[:, :_KEY_BYTES].copy().view("<u8")[:, 0]
    own = nodes[:, _KEY_BYTES : _KEY_BYTES + _LEVEL_BYTES].copy().view("<i2")[:, 0]
    if keys.max() >= count or (own != len(rooms) - 1).any() or used[keys].any() or len(np.unique(keys)) < len(keys):
        raise CorruptVersion(f"the keys of the index are not those of {count} vectors, each once")
    used[keys] = True
    start = _KEY_BYTES + _LEVEL_BYTES
    for level, room in enumerate(rooms):
        end = start + _SLOT_BYTES * (1 + room)
        numbers = nodes[:, start:end].copy().view("<u4")
        start = end
        neighbours = numbers[:, 1:]
        is_used = np.arange(room) < numbers[:, :1]
        inside = neighbours < count
        reachable = levels[np.where(inside, neighbours, 0)] >= level
        if numbers[:, 0].max() > room or not (~is_used | (inside & reachable)).all():
            raise CorruptVersion(f"a node of the index has a neighbour that is none on level {level}")
