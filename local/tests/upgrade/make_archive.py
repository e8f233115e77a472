"""Make `platform-0012.tar.xz`: what the platform of commit a09de39 held and answered, for the test of upgrades.

Runs in a checkout of that commit, after `make install` there, and is kept for the record:

    .venv/bin/python …/make_archive.py platform-0012.tar.xz

The archive holds every table as CSV (schema revision 0012), the object store's folder, and the answers that the API
gave (`answers.json`). 1,000 tracks are invented; 990 have embeddings around 25 centres, 970 of those are in the index
version and 20 are newer than it.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import numpy as np
from catalog import blocks, database, embeddings, favorites, models, playlists, tracks, users
from catalog.embeddings import Embedding
from catalog.playlists import Playlist
from catalog.track_id import TrackId
from catalog.tracks import Track
from features.shipped import shipped_projection

TRACKS, CENTRES, EMBEDDED, INDEXED = 1_000, 25, 990, 970
PLAYLIST = "spotify:playlist:00000000000000000UPGRA"
TABLES = (
    "tracks",
    "track_names",
    "search_words",
    "models",
    "embeddings",
    "playlists",
    "playlist_tracks",
    "playlist_readings",
    "playlist_changes",
    "index_versions",
    "manifest",
    "allowances",
    "blocks",
    "api_keys",
    "users",
    "favorites",
    "track_popularity",
    "taste_versions",
)
PORT = 8231

# Generated columns cannot be written.
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


def track(number: int) -> Track:
    """Invent a track; every fifth is of SoundCloud, as favourites need."""
    artist = f"Artist {number % 200}"
    source, key = ("soundcloud", str(number + 1)) if number % 5 == 0 else ("deezer", str(number + 1))
    return Track(
        id=TrackId(source, key),
        title=f"Song number {number}",
        artists=(artist,),
        artist_urns=(f"{source}:artist:{number % 200}",),
        album=f"Album {number % 250}",
        duration_ms=180_000 + 1_000 * (number % 97),
        isrc=f"XXA00{number:07d}",
        link=f"https://example.org/{source}/{number}",
        tags=("invented",),
    )


def vectors(model: str) -> np.ndarray:
    """Draw float32 [EMBEDDED, dimensions] around what is usual for the model, in steps that compress well."""
    projection = shipped_projection(model)
    assert projection is not None
    draw = np.random.default_rng(20261128)
    centres = draw.integers(-2, 3, (CENTRES, projection.input_dimensions))
    noise = draw.integers(-2, 3, (EMBEDDED, projection.input_dimensions))
    steps = centres[np.arange(EMBEDDED) % CENTRES] + noise
    return (projection.mean + projection.scale * steps / 2).round(4).astype(np.float32)


async def fill(url: str) -> None:
    """Write tracks, embeddings, a playlist, favourites and what is forgotten."""
    draw = np.random.default_rng(7)
    async with database.connect(url) as pool:
        for number in range(TRACKS):
            await tracks.upsert(pool, track(number))
        model = await models.current(pool)
        assert model is not None
        drawn = vectors(model.model)
        tags = (draw.integers(0, 64, (EMBEDDED, 50)) / 64).astype(np.float32)
        async with pool.acquire() as connection:
            for number in range(INDEXED):
                await save(connection, number, model.model, drawn[number], tags[number])
            listed = [(place, track(number).id) for place, number in enumerate(range(3, 63, 3))]
            await playlists.replace(connection, Playlist(PLAYLIST, "spotify", "Upgraded", "s1"), listed)
        await tracks.mark_no_preview(pool, track(990).id, "nobody offers one", asked=["deezer"])
        await tracks.mark_rejected(pool, track(991).id, "it is too short")
        await users.upsert(
            pool, [users.User(f"soundcloud:users:{number}", favorites_count=40) for number in range(120)]
        )
        liked = [number for number in range(EMBEDDED) if number % 5 == 0]
        pairs = {
            (f"soundcloud:users:{user}", track(int(one)).id.urn)
            for user in range(120)
            for one in draw.choice([n for n in liked if n % CENTRES // 5 == user % 5], 20, replace=False)
        }
        await favorites.add(pool, sorted(pairs))


async def finish(url: str) -> None:
    """Write what is newer than the version, and forget a track, an ISRC and an artist."""
    draw = np.random.default_rng(8)
    async with database.connect(url) as pool, pool.acquire() as connection:
        model = await models.current(pool)
        assert model is not None
        drawn = vectors(model.model)
        for number in range(INDEXED, EMBEDDED):
            tags = (draw.integers(0, 64, 50) / 64).astype(np.float32)
            await save(connection, number, model.model, drawn[number], tags)
        await blocks.forget_tracks(connection, [track(11).id])
        await blocks.forget_releases(connection, [str(track(12).isrc)])
        await blocks.forget_artist(connection, "deezer:artist:13")


async def save(connection: Any, number: int, model: str, vector: np.ndarray, tags: np.ndarray) -> None:
    """Store one embedding as an extractor does."""
    one = track(number).id
    await embeddings.save(
        connection,
        Embedding(one, model, vector, f"previews/{one.source}/{one.key}.mp3", None, f"{number:064x}", 29.0, tags),
    )


def urn(number: int) -> str:
    """Name a track in a query."""
    return track(number).id.urn


QUERIES = [
    *(f"/recommend?track={urn(number)}&n=10" for number in (0, 1, 2, 5, 24, 100, 333, 500, 777, 969)),
    # Newer than the version.
    *(f"/recommend?track={urn(number)}&n=10" for number in (970, 975, 989)),
    f"/recommend?track={urn(1)}&track={urn(26)}&n=15",
    f"/recommend?track={urn(7)}&n=20&diversity=0.4",
    f"/recommend?track={urn(8)}&n=20&max_per_artist=1&max_per_album=1",
    f"/recommend?track={urn(9)}&n=20&source=deezer&max_duration=200",
    f"/recommend?track={urn(0)}&n=10&by=taste",
    f"/recommend?track={urn(25)}&n=10&by=both&blend=0.5",
    f"/playlists/{PLAYLIST}/recommend?n=20",
    f"/tracks/{urn(42)}",
    f"/tracks/{urn(990)}",
    f"/tracks/{urn(991)}",
    f"/tracks/{urn(995)}",
    f"/tracks/{urn(11)}",
    "/tracks?state=found&n=100",
    "/tracks?state=ready&n=5",
    "/search?q=song+number+42",
]


async def dump(url: str) -> dict[str, bytes]:
    """Return every table as CSV, and where the sequence stands."""
    connection = await asyncpg.connect(url)
    dumped = {}
    for table in TABLES:
        buffer = io.BytesIO()
        columns = await connection.fetchval(_COLUMNS, table)
        query = f"SELECT {columns} FROM {table}"  # noqa: S608 - names of our own
        await connection.copy_from_query(query, output=buffer, format="csv", header=True)
        dumped[f"database/{table}.csv"] = buffer.getvalue()
    sequence = await connection.fetchval("SELECT last_value FROM embeddings_seq")
    dumped["database/embeddings_seq"] = str(sequence).encode()
    await connection.close()
    return dumped


def answers(api: str) -> list[dict[str, Any]]:
    """Ask everything, and keep what was answered."""
    with httpx.Client(base_url=api, timeout=30) as client:
        asked = [(path, client.get(path)) for path in QUERIES]
    return [{"path": path, "status": answer.status_code, "body": answer.json()} for path, answer in asked]


def main(archive: Path) -> None:
    """Run the platform, fill it, ask it, stop it, pack it."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        command = [sys.executable, "-m", "standalone"]
        # The version is built below, when there is what it is to hold.
        patient = {**os.environ, "INDEX_POLL_S": "3600"}
        running = subprocess.Popen([*command, "up", "--data", str(data), "--port", str(PORT)], env=patient)
        try:
            while not (data / "platform.json").exists():
                time.sleep(0.5)
            platform = json.loads((data / "platform.json").read_text())
            url = platform["environment"]["DATABASE_URL"]
            while asyncio.run(current(url)) is None:
                time.sleep(0.5)
            asyncio.run(fill(url))
            environment = {**os.environ, **platform["environment"]}
            environment["TASTE_FEWEST"] = "2"
            for job in ("build", "taste"):
                subprocess.run([sys.executable, "-m", "indexer", job], env=environment, check=True)
            asyncio.run(finish(url))
            time.sleep(15)
            told = answers(platform["api_url"])
            dumped = asyncio.run(dump(url))
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)
        with tarfile.open(archive, "w:xz") as packed:
            for name, content in {**dumped, "answers.json": json.dumps(told, indent=1).encode()}.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                packed.addfile(entry, io.BytesIO(content))
            packed.add(data / "aws", "aws")


async def current(url: str) -> object:
    """Return the current model, None until the extractor has registered one."""
    async with database.connect(url) as pool:
        return await models.current(pool)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
