"""Building a taste version: compare, write, and vouch for it in a manifest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from space.building import write_urns
from space.files import sha256_of, written_whole
from space.manifest import FileEntry
from taste.manifest import DATA_FILES, MANIFEST, NEIGHBOURS, SIMILARITIES, STARTS, URNS, TasteManifest
from taste.similarity import neighbours

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from taste.likes import Likes
    from taste.similarity import SimilarityParameters

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
    write_urns(directory / URNS, common.urns)
    for name, values in ((STARTS, found.starts), (NEIGHBOURS, found.numbers), (SIMILARITIES, found.similarities)):
        with written_whole(directory / name) as path, path.open("wb") as file:
            np.save(file, values, allow_pickle=False)
    manifest = TasteManifest(
        version=version,
        method=parameters.method,
        favorites=len(likes.users),
        users=int(common.users.max()) + 1,
        tracks=len(common.urns),
        pairs=len(found.numbers),
        background=found.background,
        built_at=built_at,
        files={
            name: FileEntry(bytes=(directory / name).stat().st_size, sha256=sha256_of(directory / name))
            for name in DATA_FILES
        },
    )
    with written_whole(directory / MANIFEST) as path:
        path.write_text(manifest.to_json(), encoding="utf-8")
    return manifest
