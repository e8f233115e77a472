"""Approximate search for candidates among many vectors: the protocol, and the engines by name.

An engine gets the leading dimensions of the projected vectors only. The projection orders its dimensions by variance,
so half of them yield the same candidates at half the cost; these are then ranked by all dimensions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

EngineName: TypeAlias = Literal["annoy", "usearch"]

INITIAL_EFFORT: Final[dict[EngineName, int]] = {"annoy": 4_000, "usearch": 64}
"""Where the search for the smallest effort that meets the recall goal begins."""

MAX_EFFORT: Final = 2**31 - 1
"""Engines count what a search costs with 32 bits."""

PARAMETERS: Final[dict[EngineName, frozenset[str]]] = {
    "annoy": frozenset({"trees"}),
    "usearch": frozenset({"connectivity", "expansion"}),
}
"""What an engine is built with."""


class Engine(Protocol):
    """One index file, mapped into memory; threads may search at the same time.

    `effort` is what a search may cost: the nodes that Annoy inspects, the candidates that USearch keeps.
    """

    effort: int

    def __len__(self) -> int:
        """Return the number of vectors."""

    def nearest(self, query: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Return the rows of about the `k` vectors nearest to `query` [s], in no particular order."""

    def close(self) -> None:
        """Unmap the file; to be called after the last search."""


def open_engine(
    name: EngineName, file: BinaryIO, vectors: NDArray[np.float32], *, parameters: Mapping[str, int], effort: int
) -> Engine:
    """Map an open index file that was built of `vectors` [n, s] with `parameters`; it may be closed afterwards.

    Engines trust what they read, and a wrong number in it makes them read anywhere in memory: every number that a
    search follows is checked first. Raises `CorruptVersion` for a file that is no index of these vectors, and
    `EngineMissing` where the engine is not installed.
    """
    if name == "annoy":
        from soundalike.similarity.index.annoy import AnnoyEngine

        return AnnoyEngine(file, vectors, trees=parameters["trees"], effort=effort)
    from soundalike.similarity.index.usearch import UsearchEngine

    return UsearchEngine(file, vectors, connectivity=parameters["connectivity"], effort=effort)


def write_index(
    name: EngineName, path: Path, vectors: NDArray[np.float32], *, parameters: Mapping[str, int], seed: int, jobs: int
) -> None:
    """Build the index file of `vectors` [n, s]; raises `EngineMissing`."""
    if name == "annoy":
        from soundalike.similarity.index import annoy

        annoy.write(path, vectors, trees=parameters["trees"], seed=seed, jobs=jobs)
        return
    from soundalike.similarity.index import usearch

    usearch.write(path, vectors, connectivity=parameters["connectivity"], expansion=parameters["expansion"], jobs=jobs)


def engine_version(name: EngineName) -> str:
    """Return the version of the library behind an engine."""
    from importlib.metadata import version

    return version(name)
