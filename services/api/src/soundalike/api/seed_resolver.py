"""From the tracks that a request names to seeds with vectors: from the snapshot, else from the database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from soundalike.api.errors import NoTasteData, SeedNotReady
from soundalike.api.recommendation_query import By
from soundalike.api.seeds import SoundSeeds, TrackSeeds, favorite_seeds, indexed_sound, known_taste
from soundalike.db.tracks import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.api.offload import Offloader
    from soundalike.api.recommendation_query import RecommendationQuery
    from soundalike.api.seeds import FavoriteSeeds
    from soundalike.api.snapshot import Snapshot
    from soundalike.db.catalogue_tracks import CatalogueTrack
    from soundalike.similarity.taste.version import TasteVersion


class SeedRepository(Protocol):
    """What has to be known of tracks that the snapshot does not hold."""

    async def tracks(self, urns: Sequence[str]) -> Mapping[str, CatalogueTrack]:
        """Return what the catalogue says of tracks, by URN."""

    async def raw_vectors(self, urns: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """Return the raw vectors [D] of those among the tracks that have one, by URN."""


class SeedResolver:
    """Finds the seeds of requests; what may wait for the disk is done in threads."""

    def __init__(self, offloader: Offloader) -> None:
        self._offloader = offloader

    async def resolve_tracks(
        self,
        repository: SeedRepository,
        snapshot: Snapshot,
        urns: Sequence[str],
        query: RecommendationQuery,
        taste: TasteVersion | None,
    ) -> TrackSeeds:
        """Return the seeds for tracks (one or more, each once).

        By sound every one of them needs a vector: what the snapshot lacks, for it was committed a moment ago, is read
        from the database. By taste, and by both where the taste version knows one of them, vectors are not needed.
        Raises `SeedNotReady` for a track without a vector, and `NoTasteData` where only taste is requested and it knows
        none of them.
        """
        if query.by is By.TASTE:
            return await self._by_taste(repository, snapshot, urns, query, taste)
        sound = await self._offloader.run(partial(indexed_sound, snapshot, urns, len(urns)), short=len(urns) == 1)
        taste_seeds = known_taste(urns, query, taste, has_sound=bool(sound.urns))
        if taste_seeds is None and len(sound.urns) < len(urns):
            sound = await self._add_missing(repository, snapshot, urns, sound)
        return TrackSeeds(tuple(urns), sound, taste_seeds)

    async def resolve_favorites(
        self,
        snapshot: Snapshot,
        urns: Sequence[str],
        query: RecommendationQuery,
        taste: TasteVersion | None,
        *,
        max_vectors: int,
    ) -> FavoriteSeeds:
        """Return the seeds for a user's favourites; raises `NoTasteData` where nothing is known of any."""
        find = partial(favorite_seeds, snapshot, urns, query, taste, max_vectors=max_vectors)
        seeds = await self._offloader.run(find, short=False)
        if seeds is None:
            raise NoTasteData
        return seeds

    async def _by_taste(
        self,
        repository: SeedRepository,
        snapshot: Snapshot,
        urns: Sequence[str],
        query: RecommendationQuery,
        taste: TasteVersion | None,
    ) -> TrackSeeds:
        taste_seeds = known_taste(urns, query, taste, has_sound=False)
        if taste_seeds is not None:
            return TrackSeeds(tuple(urns), indexed_sound(snapshot, (), 0), taste_seeds)
        tracks = await repository.tracks(urns)
        for urn in urns:
            track = tracks.get(urn)
            if track is None or track.state is State.FORGOTTEN:
                raise SeedNotReady(urn, track)
        raise NoTasteData

    async def _add_missing(
        self, repository: SeedRepository, snapshot: Snapshot, urns: Sequence[str], indexed: SoundSeeds
    ) -> SoundSeeds:
        """Add the vectors that the snapshot lacks."""
        missing = [urn for urn in urns if urn not in indexed.urns]
        tracks = await repository.tracks(missing)
        ready = [urn for urn in missing if urn in tracks and tracks[urn].state is State.READY]
        raw = await repository.raw_vectors(ready) if ready else {}
        for urn in missing:
            if urn not in raw:
                raise SeedNotReady(urn, tracks.get(urn))
        projected = snapshot.project(np.stack([raw[urn] for urn in missing]))
        vectors = dict(zip((*indexed.urns, *missing), (*indexed.vectors, *projected), strict=True))
        return SoundSeeds(tuple(urns), np.stack([vectors[urn] for urn in urns]))
