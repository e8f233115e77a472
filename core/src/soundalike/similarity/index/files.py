"""The files of an index version.

All five lie in one folder. Rows of `vectors.npy` and `urns.npy` are numbered like the items of `index.bin`, in the
order of the urns, so that a urn is found by binary search.
"""

from typing import Final

INDEX: Final = "index.bin"
"""What the engine wrote that the manifest names."""
PROJECTION: Final = "projection.npz"
VECTORS: Final = "vectors.npy"
"""float32 [n, d], projected, unit length (or zero)."""
URNS: Final = "urns.npy"
"""Fixed-width bytes [n], UTF-8, ascending."""

DATA_FILES: Final = (INDEX, PROJECTION, VECTORS, URNS)
