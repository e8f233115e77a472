"""The tracks of the catalogue, as resolving seeds and recommending need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.db import catalogue_tracks, embeddings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class Repository:
    """The tracks of the catalogue, with the tags and vectors that `model` gives them."""

    db: Executor
    model: str

    async def tracks(self, urns: Sequence[str]) -> Mapping[str, CatalogueTrack]:
        """Return the tracks among `urns` that are in the catalogue, in any state, by URN; one statement."""
        return await catalogue_tracks.get_many(self.db, urns, self.model)

    async def raw_vectors(self, urns: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """Return the raw vectors [D] of those among the tracks that have one, by URN; one statement."""
        return await embeddings.vectors_of(self.db, urns, self.model)
