"""Building a taste version: compare, write, and vouch for it in a manifest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from soundalike.similarity.taste.cooccurrence import neighbours
from soundalike.similarity.taste.manifest import DATA_FILES, NEIGHBOURS, SIMILARITIES, STARTS, URNS, TasteManifest
from soundalike.storage.artifacts.arrays import write_array, write_names
from soundalike.storage.artifacts.manifest import vouched

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from soundalike.similarity.taste.cooccurrence import SimilarityParameters
    from soundalike.similarity.taste.favorite_pairs import Likes

log = logging.getLogger(__name__)


def build_taste(
    directory: Path, version: str, built_at: datetime, likes: Likes, parameters: SimilarityParameters
) -> TasteManifest:
    """Write the files of a version into the empty folder `directory`, the manifest last.

    Raises `TooFewFavourites`. Takes the processor for a while: run it in a thread.
    """
    common = likes.common(least_fans=parameters.least_fans, most_likes=parameters.most_likes)
    log.info("comparing %d tracks by %d of %d favourites", len(common.urns), len(common.users), len(likes.users))
    found = neighbours(common, parameters)
    write_names(directory / URNS, common.urns)
    write_array(directory / STARTS, found.starts)
    write_array(directory / NEIGHBOURS, found.numbers)
    write_array(directory / SIMILARITIES, found.similarities)
    manifest = TasteManifest(
        version=version,
        method=parameters.method,
        favorites=len(likes.users),
        users=int(common.users.max()) + 1,
        tracks=len(common.urns),
        pairs=len(found.numbers),
        background=found.background,
        built_at=built_at,
        files=vouched(directory, DATA_FILES),
    )
    manifest.write(directory)
    return manifest
