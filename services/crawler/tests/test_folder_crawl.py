"""A folder of good and bad files into a real database."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from mutagen.flac import FLAC

from soundalike.audio.clip import CLIP_KIND
from soundalike.audio.decode import decode
from soundalike.audio.errors import DecoderCrashed, DecoderUnavailable, InternalDecoderError, TooDemanding
from soundalike.audio.file_tree import RegularFile
from soundalike.crawler.library import scan
from soundalike.crawler.library.scan import MAX_FILE_BYTES, TOO_LARGE
from soundalike.crawler.policy import BLOCKED
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import embeddings, erasure, identities, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import State
from soundalike.domain.file_identity import file_id
from soundalike.storage.object_keys import preview_key

from .library_scene import Library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.library.file_reader import FileReader
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId


@pytest.fixture
def library(tmp_path: Path, pool: Pool, clip_encoders: ClipEncoderPool, file_reader: FileReader) -> Library:
    return Library(tmp_path, pool, clip_encoders, file_reader)


async def stored(library: Library, track: TrackId) -> tracks.StoredTrack:
    results = await tracks.get(library.pool, track)
    assert results is not None
    return results


async def test_a_tagged_file(library: Library, audio: Callable[..., bytes], tmp_path: Path) -> None:
    track = library.put("album/1.flac", audio(40))
    file = FLAC(tmp_path / "album/1.flac")
    file["title"], file["artist"], file["album"], file["isrc"] = "Glöckchen", ["A", "B"], "Metall", "us-hm8-08-65849"
    file.save()
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == crawl.stats.finished == 1
    results = await stored(library, track)
    assert results.state is State.QUEUED
    assert (results.track.title, results.track.artists, results.track.album) == ("Glöckchen", ("A", "B"), "Metall")
    assert (results.track.isrc, results.track.duration_ms) == ("USHM80865849", 40_000)
    assert (results.preview_provider, results.match_method) == ("file", "cut")
    preview, _ = library.store.objects[preview_key(track, CLIP_KIND.extension)]
    assert decode(preview).seconds == 29


async def test_who_is_known_as_an_artist_by_the_end_decides_what_a_credit_means(
    library: Library, audio: Callable[..., bytes], tmp_path: Path
) -> None:
    named = {8: "Glass Choir, Pavo", 9: "Glass Choir", 10: "Earth, Wind & Fire", 11: "Nobody, Anybody"}
    for seconds, credit in named.items():
        library.put(f"{seconds}.flac", audio(seconds))
        file = FLAC(tmp_path / f"{seconds}.flac")
        file.update(
            {"title": f"T{seconds}", "artist": credit, "musicbrainz_trackid": "b1a9c0e9-d987-4042-ae91-78d6a3267d69"}
        )
        file.save()
    await library.crawl()
    rows = await library.pool.fetch("SELECT artists, artist_credit FROM tracks ORDER BY duration_ms")
    assert [row["artists"] for row in rows] == [
        ["Glass Choir", "Pavo"], ["Glass Choir"], ["Earth, Wind & Fire"], ["Nobody, Anybody"],
    ]  # fmt: skip
    assert [row["artist_credit"] for row in rows] == [[credit] for credit in named.values()]
    assert await library.pool.fetchval("SELECT count(DISTINCT urn) FROM aliases") == 4


async def test_nothing_tells_where_a_file_lies(library: Library, audio: Callable[..., bytes], tmp_path: Path) -> None:
    library.put("private/secret.flac", audio(8))
    await library.crawl()
    (row,) = await library.pool.fetch("SELECT to_jsonb(t)::text AS row FROM tracks t")
    assert '"link": null' in row["row"]
    assert "private" not in row["row"]
    assert str(tmp_path) not in row["row"]


async def test_good_and_bad_files_side_by_side(library: Library, audio: Callable[..., bytes]) -> None:
    song = audio(7, "OGG")
    good = library.put("a/01 Lied für Ängstliche 歌.ogg", song)
    library.put("b/the same again.ogg", song)
    misnamed = library.put("b/actually flac.mp3", audio(8, "FLAC"))
    short = library.put("c/short.flac", audio(2))
    broken = library.put("c/broken.mp3", b"this is no music at all")
    half = library.put("c/half.flac", audio(20)[: len(audio(20)) // 3])
    empty = library.put("c/empty.wav", b"")
    library.put("a/cover.jpg", b"\xff\xd8\xff\xe0" + b"x" * 100)
    library.put("a/album.cue", b'FILE "01.ogg" WAVE')
    library.put("notes.txt", b"good music")
    library.put("._2.ogg", song)
    crawl = await library.crawl()
    stats = crawl.stats
    assert {status: stats.count(status) for status in OutcomeStatus} == {
        OutcomeStatus.UPLOADED: 2,
        OutcomeStatus.SKIPPED: 1,
        OutcomeStatus.REJECTED: 4,
        OutcomeStatus.NO_PREVIEW: 0,
        OutcomeStatus.FAILED: 0,
    }
    assert stats.finished == 7
    assert stats.ignored == {"other files": 2, "cue sheets that cannot be used": 1, "system files": 1}
    assert stats.by_reason[OutcomeStatus.SKIPPED] == {"duplicate": 1}
    assert stats.by_reason[OutcomeStatus.REJECTED] == {"not audio": 2, "too short": 1, "cut short": 1}
    assert library.progress.shares[-1] == (11, 11)
    assert set(library.store.objects) == {
        preview_key(good, CLIP_KIND.extension),
        preview_key(misnamed, CLIP_KIND.extension),
    }
    assert (await stored(library, good)).track.title == "Lied für Ängstliche 歌"
    for track, words in ((short, "2.0 s long"), (broken, "not audio"), (half, ""), (empty, "empty")):
        rejected = await stored(library, track)
        assert rejected.state is State.REJECTED
        assert rejected.reason
        assert words in rejected.reason
    assert library.progress.outcomes["c/short.flac"].detail == (await stored(library, short)).reason


async def test_names_that_are_no_utf_8(library: Library, audio: Callable[..., bytes]) -> None:
    try:
        library.put(os.fsdecode(b"caf\xe9.flac"), audio(8))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    crawl = await library.crawl()
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 1
    assert list(library.progress.outcomes) == ["caf\ufffd.flac"]
    (title,) = await library.pool.fetch("SELECT title FROM tracks")
    assert title["title"] == "café"


async def test_the_same_folder_again(library: Library, audio: Callable[..., bytes]) -> None:
    library.put("1.flac", audio(8))
    late = library.put("2.flac", audio(3))
    await library.crawl()
    library.put("3.flac", audio(8, hertz=880))
    again = await library.crawl()
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {
        "already queued": 1,
        "rejected before (--retry-rejected tries again)": 1,
    }
    assert again.stats.count(OutcomeStatus.UPLOADED) == 1
    requests = await library.crawl(retry_rejected=True)
    assert requests.stats.by_reason[OutcomeStatus.REJECTED] == {"too short": 1}
    assert (await stored(library, late)).state is State.REJECTED


async def test_other_tags_are_the_same_track_with_the_newest_of_them(
    library: Library, audio: Callable[..., bytes], tmp_path: Path
) -> None:
    track = library.put("1.flac", audio(8))
    await library.crawl()
    file = FLAC(tmp_path / "1.flac")
    file["title"] = "Another title"
    file.save()
    (tmp_path / "1.flac").rename(tmp_path / "2.flac")
    again = await library.crawl()
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {"already queued": 1}
    assert (await stored(library, track)).track.title == "Another title"
    assert await library.pool.fetchval("SELECT count(*) FROM tracks") == 1


async def test_other_tags_do_not_bring_a_forgotten_file_back(
    library: Library, audio: Callable[..., bytes], tmp_path: Path
) -> None:
    track = library.put("1.flac", audio(8))
    await library.crawl()
    async with library.pool.acquire() as connection:
        await erasure.forget_tracks(connection, [track])
    file = FLAC(tmp_path / "1.flac")
    file["title"] = "Another title"
    file.save()
    again = await library.crawl()
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {BLOCKED: 1}
    assert await library.pool.fetchval("SELECT array_agg(state) FROM tracks") == ["forgotten"]


@pytest.mark.parametrize("state", [State.READY, State.FORGOTTEN])
async def test_a_file_of_the_former_identity_keeps_what_is_known_of_it(
    library: Library, audio: Callable[..., bytes], tmp_path: Path, state: State
) -> None:
    track = library.put("1.flac", audio(8))
    former = file_id(hashlib.sha256(audio(8)).hexdigest())
    await tracks.upsert(library.pool, tracks.Track(former, "Former title"))
    await library.pool.execute("UPDATE tracks SET identity_version = 0, state = $1", state)
    model = EmbeddingModel("m", 160)
    async with library.pool.acquire() as connection:
        await models.register(connection, model)
        await embeddings.save(connection, Embedding(former, "m", np.ones(160, np.float32), "k", None, "x", 8.0))
    crawl = await library.crawl()
    reason = BLOCKED if state is State.FORGOTTEN else "already analysed"
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {reason: 1}
    rows = await library.pool.fetch("SELECT urn, state, identity_version FROM tracks")
    assert [tuple(row) for row in rows] == [(track.urn, state, 1)]
    assert not await identities.has_former(library.pool)


async def test_files_that_cannot_be_read_fail_without_stopping_the_rest(
    library: Library, audio: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "gone.flac").symlink_to(tmp_path / "nowhere")
    library.put("there.flac", audio(8))
    crawl = await library.crawl()
    assert crawl.stats.by_reason[OutcomeStatus.FAILED] == {"cannot be read": 1}
    assert "No such file" in library.progress.outcomes["gone.flac"].detail
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 1


async def test_a_file_that_goes_away_while_it_waits(
    library: Library, audio: Callable[..., bytes], tmp_path: Path
) -> None:
    track = library.put("1.flac", audio(8))

    class VanishingEncoders:
        async def encode(self, path: Path, _segment: object) -> bytes:
            await asyncio.to_thread(path.unlink)
            return await encoders.encode(path)

    encoders, library.encoders = library.encoders, VanishingEncoders()  # type: ignore[assignment]
    crawl = await library.crawl(attempts=1)
    assert crawl.stats.by_reason[OutcomeStatus.FAILED] == {"the file cannot be read": 1}
    results = await stored(library, track)
    assert results.state is State.PENDING
    assert results.reason == "No such file or directory; the next crawl retries"


class FailingEncoders:
    """A pool of clip encoders that fail with one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def encode(self, _path: Path, _segment: object) -> bytes:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "state", "reason"),
    [
        (DecoderCrashed("it died"), OutcomeStatus.REJECTED, State.REJECTED, "cannot be decoded"),
        (TooDemanding("it took ages"), OutcomeStatus.REJECTED, State.REJECTED, "too demanding"),
        (DecoderUnavailable("it did not start"), OutcomeStatus.FAILED, State.PENDING, "the decoder process fails"),
        (InternalDecoderError("no codec"), OutcomeStatus.FAILED, State.PENDING, "an error in the decoder"),
    ],
)
async def test_only_what_a_file_does_is_held_against_it(
    library: Library, audio: Callable[..., bytes], error: Exception, status: OutcomeStatus, state: State, reason: str
) -> None:
    track = library.put("1.flac", audio(8))
    library.encoders = FailingEncoders(error)  # type: ignore[assignment]
    crawl = await library.crawl(attempts=1)
    assert crawl.stats.by_reason[status] == {reason: 1}
    assert (await stored(library, track)).state is state


async def test_an_empty_folder(library: Library) -> None:
    crawl = await library.crawl()
    assert crawl.stats.finished == 0


async def test_a_file_too_large_to_be_read_to_its_end_is_left_out(library: Library) -> None:
    library.put("sparse.mp3", b"ID3")
    os.truncate(library.folder / "sparse.mp3", MAX_FILE_BYTES + 1)
    crawl = await library.crawl()
    assert crawl.stats.ignored == {TOO_LARGE: 1}


async def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(library.folder / "song.mp3")
    file = RegularFile(b"song.mp3", (library.folder / "song.mp3").stat())
    monkeypatch.setattr(scan, "walk", lambda *_: iter([file]))
    await library.crawl()
    assert library.progress.outcomes["song.mp3"].detail == "it is no regular file any more"
