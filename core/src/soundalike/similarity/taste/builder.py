"""The build of a taste version: compare, write, and describe it in a manifest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from soundalike.similarity.taste.cooccurrence import find_neighbours
from soundalike.similarity.taste.manifest import DATA_FILES, NEIGHBOURS, SIMILARITIES, STARTS, URNS, TasteManifest
from soundalike.storage.artifacts.arrays import write_array, write_names
from soundalike.storage.artifacts.manifest import file_entries

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters
    from soundalike.similarity.taste.favorite_pairs import FavoritePairs

log = logging.getLogger(__name__)


def build_taste(
    directory: Path, version: str, built_at: datetime, pairs: FavoritePairs, parameters: CooccurrenceParameters
) -> TasteManifest:
    """Write the files of a version into the empty folder `directory`, the manifest last.

    Raises `TooFewFavorites`. Takes seconds to minutes of CPU: run it in a thread.
    """
    selected = pairs.filter(min_fans=parameters.min_fans, max_favorites=parameters.max_favorites)
    log.info("comparing %d tracks by %d of %d favourites", len(selected.urns), len(selected.users), len(pairs.users))
    neighbours = find_neighbours(selected, parameters)
    write_names(directory / URNS, selected.urns)
    write_array(directory / STARTS, neighbours.starts)
    write_array(directory / NEIGHBOURS, neighbours.numbers)
    write_array(directory / SIMILARITIES, neighbours.similarities)
    manifest = TasteManifest(
        version=version,
        method=parameters.method,
        favorites=len(pairs.users),
        users=int(selected.users.max()) + 1,
        tracks=len(selected.urns),
        pairs=len(neighbours.numbers),
        background=neighbours.background,
        built_at=built_at,
        files=file_entries(directory, DATA_FILES),
    )
    manifest.write(directory)
    return manifest
