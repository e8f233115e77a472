"""Taste, built of an invented SoundCloud with communities, finds the communities."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from soundalike.sandbox.soundcloud_world import WorldSize, make_world
from soundalike.similarity.taste.builder import build_taste
from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters
from soundalike.similarity.taste.favorite_pairs import FavoritePairsBuilder

from .conftest import open_taste

if TYPE_CHECKING:
    from pathlib import Path


def test_what_goes_together_is_of_one_style(tmp_path: Path) -> None:
    world = make_world(WorldSize(users=1_000, tracks=500, likes=20_000))
    reader = FavoritePairsBuilder()
    for user, liked in enumerate(world.tracks_of):
        for track in liked:
            reader.add(str(user), str(track))
    build_taste(tmp_path, "v1", datetime.now(UTC), reader.build(), CooccurrenceParameters())
    version = open_taste(tmp_path)
    known = version.with_neighbours([str(track) for track in range(500)])
    same = [
        np.mean(
            [world.style_of[int(each)] == world.style_of[int(track)] for each in version.similar_tracks([track], 5)]
        )
        for track in known
    ]
    by_chance = np.mean(world.style_of[:, np.newaxis] == world.style_of)
    assert np.mean(same) > 3 * by_chance
