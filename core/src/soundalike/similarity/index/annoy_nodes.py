"""The nodes of an Annoy file, checked before Annoy follows them.

Annoy 1.17 maps an array of nodes of equal size, each of 3 + s numbers of 32 bits (`annoylib.h`, `Angular::Node`,
`_make_tree`, `load`):

- the items, in the order of their numbers: 1, the squared length of the vector, a number without use, the vector;
- leaves with n descendants, of which there is room for 2 + s: n, and the numbers of these items;
- splits of more descendants: their number, the two nodes below, the normal of the plane that divides them.

A node is written after those below it, and the roots of all trees once more at the end. Annoy checks none of it, so
that a number beyond the array makes it read, and write, anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from soundalike.storage.artifacts.arrays import CHUNK_ROWS
from soundalike.storage.artifacts.errors import CorruptVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAD: Final = 3
_WORD_BYTES: Final = 4
_MAX_NODES: Final = 2**31 - 1
# A normal has length one, or zero where no plane was found.
_MAX_COMPONENT: Final = 1.001


def check_nodes(file: BinaryIO, vectors: NDArray[np.float32], *, trees: int) -> None:
    """Raise `CorruptVersion` unless the file holds `trees` trees over `vectors` [n, s], whatever else it holds.

    Reads the file once, and takes four bytes a node beside the chunk that is looked at. Every number that a search
    uses as an index leads to a node before its own, so there is no cycle, and descendants add up, so that no search
    takes more steps than a tree of n items has nodes.
    """
    count, dimensions = vectors.shape
    size, width = file.seek(0, 2), _HEAD + dimensions
    total, rest = divmod(size, width * _WORD_BYTES)
    if rest or not count < total <= _MAX_NODES:
        raise CorruptVersion(f"the index has {size} bytes, which are no nodes of {count} items [{dimensions}]")
    nodes = np.memmap(file, np.int32, "r", 0, (total, width))
    _check_items(nodes, vectors)
    descendants = np.ones(total, np.int32)
    for start in range(count, total, CHUNK_ROWS):
        chunk = np.asarray(nodes[start : start + CHUNK_ROWS])
        descendants[start : start + len(chunk)] = chunk[:, 0]
        _check_chunk(chunk, start, count, descendants)
    # As Annoy looks for the roots: from the end, as long as the number of descendants is the same.
    if descendants[-1] != count:
        raise CorruptVersion(f"the index has {descendants[-1]} items for {count} vectors")
    others = np.flatnonzero(descendants[::-1] != count)
    # The last root of the trees themselves may stand right before the copies of all; with few items every one does.
    roots = int(others[0]) if len(others) else total
    if not trees <= roots <= 2 * trees + 1:
        raise CorruptVersion(f"the index has {roots} roots instead of {trees}")


def _check_items(nodes: NDArray[np.int32], vectors: NDArray[np.float32]) -> None:
    for start in range(0, len(vectors), CHUNK_ROWS):
        expected = np.ascontiguousarray(vectors[start : start + CHUNK_ROWS])
        chunk = np.asarray(nodes[start : start + len(expected)])
        squares = np.einsum("ij,ij->i", expected, expected)
        if (
            (chunk[:, 0] != 1).any()
            or not np.array_equal(chunk[:, _HEAD:], expected.view(np.int32))
            or not np.allclose(np.ascontiguousarray(chunk[:, 1]).view(np.float32), squares, rtol=1e-3, atol=1e-6)
        ):
            raise CorruptVersion("the items of the index are not the vectors of the version")


def _check_chunk(chunk: NDArray[np.int32], start: int, count: int, descendants: NDArray[np.int32]) -> None:
    sizes, room = chunk[:, 0], chunk.shape[1] - 1
    if sizes.min() < 1 or sizes.max() > count:
        raise CorruptVersion(f"a node of the index has {sizes.min()} or {sizes.max()} descendants, of {count} items")
    is_leaf = sizes <= room
    items = chunk[is_leaf, 1:]
    inside = (items >= 0) & (items < count)
    inside |= np.arange(room) >= sizes[is_leaf, np.newaxis]
    if not inside.all():
        raise CorruptVersion(f"a leaf of the index names items beyond the {count} there are")
    own = start + np.flatnonzero(~is_leaf)
    below = chunk[~is_leaf, 1:_HEAD]
    if not ((below >= 0) & (below < own[:, np.newaxis])).all():
        raise CorruptVersion("a node of the index leads to one that is not before it")
    if not np.array_equal(descendants[below].sum(axis=1, dtype=np.int64), sizes[~is_leaf]):
        raise CorruptVersion("a node of the index has another number of descendants than the two below it")
    normals = np.ascontiguousarray(chunk[~is_leaf, _HEAD:]).view(np.float32)
    # Comparisons with NaN are false.
    if not (np.abs(normals) <= _MAX_COMPONENT).all():
        raise CorruptVersion("a plane of the index has no normal of length one")
