"""A catalogue of drawn tracks in PostgreSQL, filled by COPY, and index versions of it in an API's own directory."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import numpy as np
from pgvector.asyncpg import register_vector

from soundalike.db import database, embeddings, index_versions, models, schema
from soundalike.db.embeddings import Embedding
from soundalike.db.index_versions import IndexVersionRecord
from soundalike.db.models import EmbeddingModel
from soundalike.domain.track_id import TrackId
from soundalike.indexer.export import export_vectors
from soundalike.indexer.version_build import build
from soundalike.research.bench.index.music import TRACKS_PER_ALBUM
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.research.bench.index.music import MusicModel
    from soundalike.similarity.index.builder import BuildParameters
    from soundalike.similarity.index.manifest import Manifest

_BATCH: Final = 20_000
_ALBUMS_PER_ARTIST: Final = 3
_TRACK_COLUMNS: Final = ("urn", "source", "title", "artists", "artist_urns", "album", "duration_ms", "isrc", "state")
_EMBEDDING_COLUMNS: Final = (
    "urn",
    "model",
    "vector",
    "object_key",
    "audio_sha256",
    "seconds_heard",
    "tag_probabilities",
)


def track_id(number: int) -> TrackId:
    """Name the track of that number; names are spread, so that they say nothing of albums."""
    return TrackId("deezer", str(10**9 + number * 7_919 % 10**8 * 9 + number % 9))


def model_of(music: MusicModel) -> EmbeddingModel:
    """Describe the model whose vectors are drawn."""
    tag_means = tuple(float(value) for value in np.linspace(0.3, 0.01, 50))
    return EmbeddingModel(music.model, music.projection.input_dimensions, mean_tag_probabilities=tag_means)


async def fill(url: str, music: MusicModel, raw: NDArray[np.float32]) -> float:
    """Write tracks and embeddings; returns the seconds it took. Names for searching by name are left out."""
    await schema.upgrade(url)
    began = time.monotonic()
    connection = await asyncpg.connect(url)
    try:
        await register_vector(connection)
        await models.register(connection, model_of(music))
        # Without triggers and references: they are for tracks that come one by one.
        await connection.execute("SET session_replication_role = replica")
        for start in range(0, len(raw), _BATCH):
            numbers = range(start, min(start + _BATCH, len(raw)))
            await connection.copy_records_to_table(
                "tracks", columns=_TRACK_COLUMNS, records=[_track(number) for number in numbers]
            )
            await connection.copy_records_to_table(
                "embeddings", columns=_EMBEDDING_COLUMNS, records=list(_embedding_records(music.model, raw, numbers))
            )
        await connection.execute("VACUUM (ANALYZE) tracks, embeddings")
    finally:
        await connection.close()
    return time.monotonic() - began


async def publish(
    url: str, music: MusicModel, cache: Path, work: Path, parameters: BuildParameters
) -> tuple[Manifest, dict[str, float]]:
    """Build a version as the indexer does, put it where an API keeps its own, and publish it; returns seconds."""
    took: dict[str, float] = {}
    async with database.connect(url) as pool, pool.acquire() as connection:
        began = time.monotonic()
        await asyncio.to_thread(work.mkdir, parents=True, exist_ok=True)
        gathered = await export_vectors(connection, model_of(music), work, parameters)
        took["gather_s"] = round(time.monotonic() - began, 1)
        began = time.monotonic()
        folder = work / f"version-{parameters.engine}"
        manifest = await asyncio.to_thread(build, gathered, music.projection, folder, datetime.now(UTC), parameters)
        took["build_s"] = round(time.monotonic() - began, 1)
        del gathered
        (work / "raw.npy").unlink()
        target = cache / "indexes" / manifest.version
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
        await index_versions.publish(connection, version_of(manifest, target))
    return manifest, took


def version_of(manifest: Manifest, folder: Path) -> IndexVersionRecord:
    """Describe a version for the catalogue; its files lie nowhere but in `folder`, the API's directory."""
    parameters: dict[str, Any] = {"format": manifest.format}
    return IndexVersionRecord(
        manifest.version,
        manifest.model,
        manifest.up_to_seq,
        manifest.count,
        parameters,
        manifest.recall_at_10,
        "indexes/",
        sha256_of(folder / MANIFEST),
    )


async def insert(pool: database.Pool, music: MusicModel, number: int, vector: NDArray[np.float32]) -> str:
    """Add one track as a crawl and an extractor do; returns its urn once that is committed."""
    track = track_id(number)
    async with pool.acquire() as connection:
        await connection.copy_records_to_table("tracks", columns=_TRACK_COLUMNS, records=[_track(number, "queued")])
        embedding = Embedding(track, music.model, vector, f"previews/{track.urn}", None, "0" * 64, 29.0)
        if not await embeddings.save(connection, embedding):
            raise RuntimeError(f"{track.urn} was not saved")
    return track.urn


def _track(number: int, state: str = "ready") -> tuple[Any, ...]:
    track, album = track_id(number), number // TRACKS_PER_ALBUM
    artist = album // _ALBUMS_PER_ARTIST
    return (
        track.urn,
        track.source,
        f"Piece {number:x} of the {album % 977} winds",
        [f"Artist {artist}"],
        [],
        f"Album {album}",
        120_000 + number * 37 % 240_000,
        None,
        state,
    )


def _embedding_records(model: str, raw: NDArray[np.float32], numbers: range) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(numbers.start)
    for number in numbers:
        # So that a track holds four or five of them, as real ones do.
        tags = rng.random(50, dtype=np.float32) ** 14
        urn = track_id(number).urn
        yield urn, model, raw[number], f"previews/{number}", "0" * 64, 29.0, tags.tolist()
