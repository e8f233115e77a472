from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.db import embeddings, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.db.track_details import details
from soundalike.db.tracks import State, Track
from soundalike.domain import tags
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

MODEL = EmbeddingModel("real-1", 160, mean_tag_probabilities=(0.02,) * 50)
ID = TrackId("soundcloud", "13158665")
TRACK = Track(ID, "Title", ("Artist",), link="https://soundcloud.com/a/b", tags=("techno",))


async def save_embedding(pool: Pool, *, model: EmbeddingModel = MODEL, jazz: float = 0.5) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, model)
        probabilities = np.full(50, 0.01, np.float32)
        probabilities[tags.TAG_SLUGS.index("jazz")] = jazz
        vector = np.ones(160, np.float32)
        result = Embedding(ID, model.model, vector, "k", None, "sha", 29.0, tag_probabilities=probabilities)
        assert await embeddings.save(connection, result)


@pytest.mark.parametrize("pasted", [ID.urn, "https://www.soundcloud.com/a/b?si=x", f" {ID.urn}\n"])
async def test_a_track_is_found_by_urn_and_by_permalink(pool: Pool, pasted: str) -> None:
    await tracks.upsert(pool, TRACK)
    result = await details(pool, pasted)
    assert result is not None
    assert (result.stored_track.track, result.stored_track.state, result.tags) == (TRACK, State.PENDING, ())


async def test_tags_are_those_of_the_current_model(pool: Pool) -> None:
    await tracks.upsert(pool, TRACK)
    await save_embedding(pool)
    result = await details(pool, ID.urn)
    assert result is not None
    assert (result.stored_track.state, result.tags) == (State.READY, ("jazz",))
    async with pool.acquire() as connection:
        await models.register(connection, replace(MODEL, model="real-2"))
    newer = await details(pool, ID.urn)
    assert newer is not None
    assert newer.tags == ()


async def test_what_is_not_known_is_none_and_what_names_no_track_is_refused(pool: Pool) -> None:
    assert await details(pool, ID.urn) is None
    for unknown in ("https://soundcloud.com/a/c", "https://soundcloud.com/a/c\x00\ud800", "nothing"):
        with pytest.raises(InvalidTrackId):
            await details(pool, unknown)
