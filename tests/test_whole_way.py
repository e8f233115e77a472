"""From the bytes of previews to a recommendation, by Choi's network and Annoy, through the services' own parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from soundalike.api.app import create_app
from soundalike.api.settings import ApiSettings
from soundalike.audio.decoder_pool import DecoderPool
from soundalike.db import embeddings, models, tracks
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId
from soundalike.extractor.embedder import EmbedderPool
from soundalike.extractor.models.registry import ModelChoice, ModelName, load_model
from soundalike.extractor.preview_pipeline import PreviewPipeline
from soundalike.extractor.s3_events import ObjectCreated
from soundalike.indexer.settings import IndexerSettings
from soundalike.indexer.worker import Indexer
from soundalike.sandbox.composer import encode_mp3
from soundalike.similarity.builtin import builtin_calibration, builtin_projection
from soundalike.storage.object_keys import preview_key
from soundalike.storage.object_store import MemoryStore
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Pool

TRACKS = [TrackId("deezer", str(number)) for number in range(101, 113)]
MODEL_ID = "choi-2017-fixed-caf89f81-285fad90-p2"
RATE = 44_100
BUCKET = "previews"


def preview(number: int) -> bytes:
    """Return an MP3 of 12 s: chords, beats and noise in other shares, and another tempo, for every number."""
    rng = np.random.default_rng(number)
    t = np.arange(RATE * 12) / RATE
    chords = sum(np.sin(2 * np.pi * pitch * t) for pitch in rng.uniform(80, 2000, size=3))
    beats = rng.standard_normal(len(t)) * np.exp(-rng.uniform(5, 40) * (t % rng.uniform(0.25, 1.0)))
    shares = rng.dirichlet([1, 1, 0.3])
    mono = 0.2 * shares[0] * chords + 0.4 * shares[1] * beats + 0.2 * shares[2] * rng.standard_normal(len(t))
    return encode_mp3(np.stack([mono, mono], axis=1).astype(np.float32))


def expected_scores(raw: np.ndarray) -> np.ndarray:
    """Return the score of every pair of raw vectors by the definitions in `similarity.calibration`, [n, n]."""
    projection, calibration = builtin_projection(MODEL_ID), builtin_calibration(MODEL_ID)
    assert projection is not None
    assert calibration is not None
    points = projection.apply_exactly(raw.astype(np.float64))
    mean, covariance = calibration.mean.astype(np.float64), calibration.covariance.astype(np.float64)
    deviation = np.sqrt(np.einsum("nd,de,ne->n", points, covariance, points))
    cosines = points @ points.T
    one_sided = (cosines - (points @ mean)[:, np.newaxis]) / deviation[:, np.newaxis]
    intercept, slope = calibration.log_odds
    return np.asarray(1 / (1 + np.exp(-(intercept + slope * (one_sided + one_sided.T) / 2))))


async def test_previews_become_recommendations(
    choi_weights: Path, pool: Pool, database_url: str, tmp_path: Path
) -> None:
    store = MemoryStore()
    model = load_model(ModelChoice(name=ModelName.CHOI_2017, choi_weights=choi_weights))
    embedder = EmbedderPool(model, DecoderPool(1))
    async with pool.acquire() as connection:
        await models.register(
            connection,
            EmbeddingModel(model.id, model.dimensions, mean_tag_probabilities=embedder.mean_tag_probabilities),
        )
    pipeline = PreviewPipeline(pool=pool, store=store, embedder=embedder, max_bytes=10_000_000)
    try:
        for number, track in enumerate(TRACKS):
            # Of other lengths, so that none are taken for the same recording.
            duration_ms = 200_000 + 10_000 * number
            await tracks.upsert(pool, Track(track, f"Title {number}", (f"Artist {number}",), duration_ms=duration_ms))
            key = preview_key(track, "mp3")
            await store.put(key, preview(number), content_type="audio/mpeg")
            assert await pipeline.process(ObjectCreated(key, None)) == "ready"
    finally:
        embedder.close()
    stored = await embeddings.newer_than(pool, MODEL_ID, 0, limit=100)
    assert [row.urn for row in stored] == [track.urn for track in TRACKS]

    settings = IndexerSettings(database_url=SecretStr(database_url), s3_bucket=BUCKET)
    version = await Indexer(pool, store, settings).build()
    assert (version.model, version.tracks) == (MODEL_ID, len(TRACKS))
    assert version.parameters["engine"] == "annoy"

    expected = expected_scores(np.stack([row.vector for row in stored]))

    app = create_app(ApiSettings(database_url=SecretStr(database_url), s3_bucket=BUCKET, api_cache_dir=tmp_path), store)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(is_ready, "the API answers from the version")
        for number, track in enumerate(TRACKS):
            response = await client.get("/recommend", params={"track": track.urn, "n": 5})
            assert response.status_code == 200, response.text
            results = response.json()["results"]
            others = {other.urn: expected[number, index] for index, other in enumerate(TRACKS) if index != number}
            assert [result["score"] for result in results] == pytest.approx(
                sorted(others.values(), reverse=True)[:5], abs=2e-6
            )
            for result in results:
                assert result["score"] == pytest.approx(others[result["urn"]], abs=2e-6)
