"""Files of libraries that are one recording."""

from __future__ import annotations

import csv
import io
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from soundalike.crawler.library import duplicate_report
from soundalike.crawler.library.duplicates import groups, wasted_bytes
from soundalike.db import embeddings, libraries, locations, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.crawler.library.duplicates import Duplicate
    from soundalike.db.database import Pool

MODEL = EmbeddingModel("m", 160)
ROOT = b"/music"


class Files:
    """Files that are written into the catalogue as a scan and an extractor would."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._random = np.random.default_rng(1)
        self._inode = 0

    def vector(self, near: np.ndarray | None = None, cosine: float = 0.99) -> np.ndarray:
        other = self._random.standard_normal(160).astype(np.float32)
        if near is None:
            return other
        length = np.linalg.norm(near)
        along = near / length
        other -= along * (other @ along)
        return (length * (along * cosine + other / np.linalg.norm(other) * np.sqrt(1 - cosine**2))).astype(np.float32)

    async def add(
        self,
        *paths: bytes,
        sound: str,
        vector: np.ndarray | None = None,
        size: int = 1_000_000,
        inode: int | None = None,
        **facts: Any,
    ) -> None:
        track = TrackId("file", sha256(sound.encode()).hexdigest())
        names = {"title": "Song", "artists": ("Band",), "duration_ms": 60_000, **facts}
        await tracks.upsert(self._pool, Track(track, **names))
        async with self._pool.acquire() as connection:
            library = (await libraries.register(connection, ROOT)).library
            if vector is not None:
                await models.register(connection, MODEL)
                await embeddings.save(connection, Embedding(track, "m", vector, sound, None, "0" * 64, 29.0))
        for path in paths:
            self._inode += 1
            stamp = FileStamp(size, 1, 2, inode or self._inode)
            await locations.save(self._pool, ScannedLocation(library, path, stamp), track)


@pytest.fixture
async def files(pool: Pool) -> Files:
    made = Files(pool)
    for number in range(60):
        await made.add(b"other/%d.ogg" % number, sound=f"o{number}", title=f"Other {number}", vector=made.vector())
    return made


def shown(found: Sequence[Sequence[Duplicate]]) -> list[list[tuple[str, str]]]:
    return [[(each.file.location.path.decode(), str(each.relation)) for each in group] for group in found]


async def test_copies_links_encodings_and_copies_that_were_cut_short(pool: Pool, files: Files) -> None:
    song = files.vector()
    await files.add(b"a.flac", b"copy/a.flac", sound="flac", size=9_000_000, vector=song, fronts=(1, 2, 3))
    await files.add(b"a.mp3", b"link/a.mp3", sound="mp3", size=3_000_000, vector=files.vector(song), inode=77)
    await files.add(b"b.flac", sound="half", size=4_000_000, vector=files.vector(), duration_ms=25_000, fronts=(1, 2))
    found = await groups(pool)
    assert shown(found) == [
        [
            ("a.flac", "first"),
            ("copy/a.flac", "same sound"),
            ("a.mp3", "other encoding"),
            ("link/a.mp3", "link"),
            ("b.flac", "cut short"),
        ]
    ]
    assert wasted_bytes(found) == 16_000_000


async def test_what_only_has_the_same_name_is_no_duplicate(pool: Pool, files: Files) -> None:
    await files.add(b"studio.mp3", sound="1", vector=files.vector())
    await files.add(b"another.mp3", sound="2", vector=files.vector())
    await files.add(b"live.mp3", sound="3", title="Song - Live", vector=files.vector())
    await files.add(b"longer.mp3", sound="4", duration_ms=80_000)
    await files.add(b"cover.mp3", sound="5", artists=("Others",), isrc="GBAYE0000001")
    await files.add(b"second.mp3", sound="6", title="Other", isrc="GBAYE0000001")
    assert await groups(pool) == []


async def test_files_without_tags_are_known_by_their_sound(pool: Pool, files: Files) -> None:
    song = files.vector()
    await files.add(b"x.flac", sound="1", title="x", artists=(), vector=song)
    await files.add(b"y.mp3", sound="2", title="y", artists=(), vector=song * 1.001, duration_ms=61_500)
    await files.add(b"z.mp3", sound="3", title="z", artists=(), vector=song, duration_ms=70_000)
    assert shown(await groups(pool)) == [[("y.mp3", "first"), ("x.flac", "other encoding")]]


async def test_two_encodings_are_known_where_there_is_nothing_else(pool: Pool) -> None:
    files = Files(pool)
    song = files.vector()
    await files.add(b"a.flac", sound="1", size=9, vector=song)
    await files.add(b"a.mp3", sound="2", size=3, vector=files.vector(song))
    assert shown(await groups(pool)) == [[("a.flac", "first"), ("a.mp3", "other encoding")]]


async def test_files_that_are_gone_or_forgotten_are_none(pool: Pool, files: Files) -> None:
    await files.add(b"a.mp3", b"b.mp3", sound="1")
    await pool.execute("UPDATE locations SET gone_at = now() WHERE path = 'b.mp3'")
    assert await groups(pool) == []
    await pool.execute("UPDATE locations SET gone_at = NULL")
    await pool.execute("UPDATE tracks SET state = 'gone'")
    assert await groups(pool) == []


async def test_reports(pool: Pool, files: Files) -> None:
    assert list(duplicate_report.lines([])) == ["no file of your libraries is there twice"]
    await files.add(b"caf\xe9.mp3", b"=1+1/b.MP3", sound="1", size=2_500_000, title="=Song")
    found = await groups(pool)
    text = "\n".join(duplicate_report.lines(found))
    assert "=Song by Band:" in text
    assert "2.5 MB" in text
    assert "1:00  /music/caf\ufffd.mp3" in text
    assert "Nothing was deleted" in text
    [group] = json.loads(duplicate_report.to_json(found))["groups"]
    assert {entry["path"].encode("utf-8", "surrogateescape") for entry in group} == {
        b"/music/caf\xe9.mp3",
        b"/music/=1+1/b.MP3",
    }
    rows = list(csv.DictReader(io.StringIO(duplicate_report.to_csv(found))))
    assert [(row["group"], row["relation"], row["format"], row["title"]) for row in rows] == [
        ("1", "first", "mp3", "'=Song"),
        ("1", "same sound", "mp3", "'=Song"),
    ]
