"""Sound over HTTP: files of libraries by a real catalogue, a real file system and real processes."""

from __future__ import annotations

import asyncio
import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
import uvicorn
from uvicorn.server import ServerState

from soundalike.api import audio_response
from soundalike.api.app import create_app
from soundalike.api.connections import ConnectionTable
from soundalike.api.errors import RecordingCutShort, TooManyStreams, Unplayable
from soundalike.api.http_protocol import LimitedHttpProtocol
from soundalike.api.middleware.deadline import DeadlineMiddleware
from soundalike.api.settings import Access
from soundalike.api.transcoder import Transcoder
from soundalike.db import api_keys, erasure, libraries, locations, tracks
from soundalike.db.api_keys import Scope as KeyScope
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId
from soundalike.testing.wait import eventually

from .conftest import Platform, is_ready, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx
    from numpy.typing import NDArray
    from starlette.types import Receive, Scope, Send

    from soundalike.api.settings import ApiSettings

RATE = 48_000
SECONDS = 8
SONG = TrackId("file", "a" * 64)
CUE_PART = TrackId("file", "b" * 64)
LOSSLESS = TrackId("file", "c" * 64)
REMOTE = {"Host": "192.0.2.1"}
PROXY = {"X-Forwarded-For": "203.0.113.7"}


def chirp() -> NDArray[np.float32]:
    t = np.arange(SECONDS * RATE) / RATE
    return (0.4 * np.sin(2 * np.pi * (200 * t + 40 * t**2))).astype(np.float32)


def encoded(form: str, samples: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format=form)
    return buffer.getvalue()


def heard(content: bytes) -> NDArray[np.float32]:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == RATE
    return samples


@pytest.fixture(scope="module")
def flac() -> bytes:
    return encoded("FLAC", chirp())


@pytest.fixture
def music(tmp_path: Path, flac: bytes) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "song.flac").write_bytes(flac)
    (folder / "copy.flac").write_bytes(flac)
    (folder / "song.aiff").write_bytes(encoded("AIFF", chirp()))
    return folder


@pytest.fixture
async def player(platform: Platform, settings: ApiSettings, music: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An open API with a file at two places, a part of it, and a file that browsers cannot play."""
    await platform.add(0)
    async with platform.pool.acquire() as db:
        library = (await libraries.register(db, os.fsencode(music))).library
        for track, path, segment in (
            (SONG, b"song.flac", ""),
            (SONG, b"copy.flac", ""),
            (CUE_PART, b"song.flac", "2500-5000"),
            (LOSSLESS, b"song.aiff", ""),
        ):
            await tracks.upsert(db, Track(track, "A song", ("Somebody",), duration_ms=1000 * SECONDS))
            stamp = FileStamp.of((music / os.fsdecode(path)).stat())
            await locations.save(db, ScannedLocation(library, path, stamp, segment), track)
    everything_open = settings.model_copy(update={"api_reads": Access.OPEN, "api_writes": Access.OPEN})
    async with serving(create_app(everything_open, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        yield client


def kind_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).removeprefix("urn:soundalike:problem:")


async def test_a_file_comes_as_it_is_whole_and_in_ranges(player: httpx.AsyncClient, flac: bytes) -> None:
    link = (await player.get(f"/audio-links/{SONG.urn}")).json()
    assert (link["url"], link["media_type"], link["seekable"]) == (f"audio/{SONG.urn}", "audio/flac", True)
    assert link["duration_ms"] == 1000 * SECONDS
    whole = await player.get(link["url"], headers={"Accept-Encoding": "gzip"})
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "audio/flac", flac)
    assert whole.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in whole.headers
    assert whole.headers["cache-control"].startswith("private")
    for header, part in (("bytes=0-", flac), ("bytes=100-199", flac[100:200]), ("bytes=-7", flac[-7:])):
        answer = await player.get(link["url"], headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(flac)}")
    beyond = await player.get(link["url"], headers={"Range": f"bytes={len(flac)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(flac)}")


async def test_a_part_of_another_file_is_not_sent_for_one_of_this(
    player: httpx.AsyncClient, music: Path, flac: bytes
) -> None:
    first = await player.get(f"/audio/{SONG.urn}", headers={"Range": "bytes=0-9"})
    for condition in (first.headers["etag"], first.headers["last-modified"]):
        answer = await player.get(f"/audio/{SONG.urn}", headers={"Range": "bytes=10-19", "If-Range": condition})
        assert (answer.status_code, answer.content) == (206, flac[10:20])
    for place in ("song.flac", "copy.flac"):
        (music / place).write_bytes(flac + b"\0")
        os.utime(music / place, (1, 1))
    for condition in (first.headers["etag"], first.headers["last-modified"]):
        answer = await player.get(f"/audio/{SONG.urn}", headers={"Range": "bytes=10-19", "If-Range": condition})
        assert (answer.status_code, len(answer.content)) == (200, len(flac) + 1)


@pytest.mark.parametrize("extra", [{}, {"Range": "bytes=10-19"}], ids=["whole", "range"])
async def test_a_file_that_a_client_already_has_is_not_sent_again(
    player: httpx.AsyncClient, music: Path, flac: bytes, extra: dict[str, str]
) -> None:
    tag = (await player.head(f"/audio/{SONG.urn}")).headers["etag"]
    for condition in (tag, f'"other", W/{tag}', "*"):
        answer = await player.get(f"/audio/{SONG.urn}", headers={"If-None-Match": condition, **extra})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    for place in ("song.flac", "copy.flac"):
        (music / place).write_bytes(flac + b"\0")
    changed = await player.get(f"/audio/{SONG.urn}", headers={"If-None-Match": tag})
    assert (changed.status_code, len(changed.content)) == (200, len(flac) + 1)


async def test_the_head_tells_the_length_and_reads_nothing(
    player: httpx.AsyncClient, flac: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> bytes:
        raise AssertionError("the file is read")

    monkeypatch.setattr(audio_response.os, "pread", read)
    head = await player.head(f"/audio/{SONG.urn}")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(flac)), b"")
    part = await player.head(f"/audio/{SONG.urn}", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["content-length"]) == (206, "10")
    transcoded = await player.head(f"/audio/{LOSSLESS.urn}")
    assert (transcoded.status_code, transcoded.headers["content-type"]) == (200, "audio/ogg; codecs=opus")


async def test_what_browsers_cannot_play_comes_as_opus_from_any_place_on(player: httpx.AsyncClient) -> None:
    link = (await player.get(f"/audio-links/{LOSSLESS.urn}")).json()
    assert (link["media_type"], link["seekable"]) == ("audio/ogg; codecs=opus", False)
    answer = await player.get(link["url"], headers={"Range": "bytes=0-", "Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, link["media_type"])
    assert "content-length" not in answer.headers
    assert "content-encoding" not in answer.headers
    assert len(heard(answer.content)) == pytest.approx(SECONDS * RATE, abs=RATE // 50)
    later = await player.get(link["url"], params={"start": "6.5"})
    assert len(heard(later.content)) == pytest.approx(1.5 * RATE, abs=RATE // 50)
    forced = await player.get(f"/audio/{SONG.urn}", params={"format": "opus"})
    assert len(heard(forced.content)) == pytest.approx(SECONDS * RATE, abs=RATE // 50)


async def test_a_part_of_a_file_has_the_samples_of_its_place(player: httpx.AsyncClient) -> None:
    answer = await player.get((await player.get(f"/audio-links/{CUE_PART.urn}")).json()["url"])
    samples = heard(answer.content)
    expected = chirp()[int(2.5 * RATE) : 5 * RATE]
    assert len(samples) == pytest.approx(len(expected), abs=RATE // 50)
    length = min(len(samples), len(expected))
    assert np.corrcoef(samples[:length], expected[:length])[0, 1] > 0.95


@pytest.mark.parametrize("query", [{"start": "-1"}, {"start": "nan"}, {"start": "1e9"}, {"format": "mp3"}, {"x": "1"}])
async def test_other_parameters_are_refused(player: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert kind_of(await player.get(f"/audio/{SONG.urn}", params=query)) == "invalid-request"


async def test_a_place_behind_the_end_is_refused(player: httpx.AsyncClient) -> None:
    answer = await player.get(f"/audio/{LOSSLESS.urn}", params={"start": "9"})
    assert (answer.status_code, kind_of(answer)) == (422, "unplayable")


@pytest.mark.parametrize(
    "headers", [REMOTE, PROXY, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}]
)
async def test_nobody_else_hears_anything_without_a_key(
    player: httpx.AsyncClient, platform: Platform, headers: dict[str, str]
) -> None:
    for path in (f"/audio/{SONG.urn}", f"/audio-links/{SONG.urn}", "/audio/file:track:" + "f" * 64):
        answer = await player.get(path, headers=headers)
        assert (answer.status_code, kind_of(answer)) == (401, "key-wanted")
    async with platform.pool.acquire() as db:
        key = await api_keys.add(db, "a friend", KeyScope.READ)
    bearer = {"Authorization": f"Bearer {key}", **headers}

    async def gives_a_link() -> bool:
        return (await player.get(f"/audio-links/{SONG.urn}", headers=bearer)).status_code == 200

    await eventually(gives_a_link)
    url = (await player.get(f"/audio-links/{SONG.urn}", headers=bearer)).json()["url"]
    answer = await player.get(url, headers={**headers, "Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (206, b"fLaC")
    elsewhere = await player.get(url.replace(SONG.urn, LOSSLESS.urn), headers=headers)
    assert (elsewhere.status_code, kind_of(elsewhere)) == (403, "invalid-link")
    assert await api_keys.revoke(platform.pool, key.split("_")[1])

    async def is_over() -> bool:
        return (await player.get(url, headers=headers)).status_code == 403

    await eventually(is_over)


async def test_the_first_place_that_opens_is_played_and_its_loss_is_told(
    player: httpx.AsyncClient, music: Path, platform: Platform
) -> None:
    (music / "copy.flac").unlink()
    assert (await player.get(f"/audio/{SONG.urn}")).status_code == 200
    (music / "song.flac").unlink()
    answer = await player.get(f"/audio/{SONG.urn}")
    assert (answer.status_code, kind_of(answer)) == (410, "file-gone")
    assert "copy.flac" in answer.json()["detail"]
    (music / "copy.flac").symlink_to("/etc/hostname")
    answer = await player.get(f"/audio-links/{SONG.urn}")
    assert (answer.status_code, kind_of(answer)) == (404, "file-outside")
    (music / "song.flac").mkdir()
    assert kind_of(await player.get(f"/audio/{SONG.urn}")) == "file-unreadable"
    await platform.pool.execute("UPDATE locations SET gone_at = now()")
    assert kind_of(await player.get(f"/audio/{SONG.urn}")) == "file-gone"


async def test_a_catalogue_that_somebody_altered_opens_nothing_else(
    player: httpx.AsyncClient, platform: Platform, music: Path
) -> None:
    (music.parent / "secret.flac").write_bytes((music / "song.flac").read_bytes())
    for path in ("../secret.flac", str(music.parent / "secret.flac")):
        await platform.pool.execute("UPDATE locations SET path = $1 WHERE urn = $2", os.fsencode(path), LOSSLESS.urn)
        assert (await player.get(f"/audio/{LOSSLESS.urn}")).status_code in {404, 410}


async def test_what_is_no_file_of_ours_is_not_played(player: httpx.AsyncClient, platform: Platform) -> None:
    async with platform.pool.acquire() as db:
        await tracks.upsert(
            db, Track(TrackId("deezer", "3135556"), "A hit", ("Somebody",), link="https://deezer.com/x")
        )
    service = await player.get("/audio-links/deezer:track:3135556")
    assert (service.status_code, kind_of(service)) == (422, "played-elsewhere")
    unknown = await player.get("/audio/file:track:" + "f" * 64)
    assert (unknown.status_code, kind_of(unknown)) == (404, "unknown-track")
    assert kind_of(await player.get("/audio/..%2F..%2Fetc%2Fpasswd")) == "unparsable-track"
    async with platform.pool.acquire() as db:
        await erasure.forget_tracks(db, [SONG])
    forgotten = await player.get(f"/audio/{SONG.urn}")
    assert (forgotten.status_code, kind_of(forgotten)) == (410, "forgotten")


async def test_a_file_that_holds_no_sound_is_told(player: httpx.AsyncClient, music: Path) -> None:
    (music / "song.aiff").write_bytes(b"not a song")
    answer = await player.get(f"/audio/{LOSSLESS.urn}")
    assert (answer.status_code, kind_of(answer)) == (422, "unplayable")
    assert "not audio" in answer.json()["detail"]


async def test_a_file_that_is_shortened_meanwhile_does_not_pass_for_whole(music: Path, flac: bytes) -> None:
    with io.FileIO(music / "song.flac") as file:
        parts = audio_response._read(file, range(len(flac) + 1))
        with pytest.raises(RecordingCutShort):
            assert [part async for part in parts]


async def test_neither_files_nor_processes_are_left(player: httpx.AsyncClient, music: Path) -> None:
    async def count() -> int:
        return len(await asyncio.to_thread(os.listdir, "/dev/fd"))

    async def round_of_all() -> None:
        for path in (f"/audio/{SONG.urn}", f"/audio/{LOSSLESS.urn}", f"/audio/{LOSSLESS.urn}?start=9"):
            await player.get(path)
            await player.head(path)
        await player.get(f"/audio/{SONG.urn}", headers={"Range": "bytes=9999999-"})
        await player.get(f"/audio-links/{SONG.urn}")

    await round_of_all()
    before = await count()
    await round_of_all()
    assert await count() == before


class Processes:
    """The processes that a transcoder starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[asyncio.subprocess.Process] = []
        real = asyncio.create_subprocess_exec

        async def start(*command: Any, **options: Any) -> asyncio.subprocess.Process:
            self.started.append(await real(*command, **options))
            return self.started[-1]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", start)

    def all_ended(self) -> bool:
        return all(process.returncode is not None for process in self.started)


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Ten minutes, far more than fits into a pipe."""
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(chirp(), 75), RATE)
    return path


async def test_there_are_so_many_transcodings_and_no_more_and_one_caller_has_not_all(long_file: Path) -> None:
    transcoder = Transcoder(3)
    with io.FileIO(long_file) as file:
        async with (
            await transcoder.open(file.fileno(), caller="a") as first,
            await transcoder.open(file.fileno(), caller="a"),
        ):
            with pytest.raises(TooManyStreams):
                await transcoder.open(file.fileno(), caller="a")
            async with await transcoder.open(file.fileno(), caller="b"):
                with pytest.raises(TooManyStreams):
                    await transcoder.open(file.fileno(), caller="c")
                # Those that wait for their readers keep nobody else from going on.
                assert (await anext(first.chunks()))[:4] == b"OggS"
            async with await transcoder.open(file.fileno(), caller="c"):
                pass


async def test_a_transcoding_that_is_left_ends_its_process(long_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes(monkeypatch)
    with io.FileIO(long_file) as file:
        async with await Transcoder(1).open(file.fileno(), caller="a") as stream:
            await anext(stream.chunks())
            assert not processes.all_ended()
        assert processes.all_ended()
        with pytest.raises(Unplayable):
            await Transcoder(1).open(file.fileno(), caller="a", start_ms=10**9)
    assert processes.all_ended()


async def test_a_process_that_dies_does_not_pass_for_the_end(long_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes(monkeypatch)
    with io.FileIO(long_file) as file:
        async with await Transcoder(1).open(file.fileno(), caller="a") as stream:
            chunks = stream.chunks()
            await anext(chunks)
            processes.started[0].kill()
            with pytest.raises(RecordingCutShort):
                assert [chunk async for chunk in chunks]


async def test_a_listener_who_leaves_ends_the_process(long_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes, transcoder = Processes(monkeypatch), Transcoder(1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with io.FileIO(long_file) as file:
            response = audio_response.transcoded_response(await transcoder.open(file.fileno(), caller="a"))
        await response(scope, receive, send)

    config = uvicorn.Config(
        DeadlineMiddleware(app), interface="asgi3", log_config=None, timeout_keep_alive=86_400, ws="none"
    )
    state, loop = ServerState(), asyncio.get_running_loop()
    table = ConnectionTable(10)
    server = await loop.create_server(lambda: LimitedHttpProtocol(config, state, {}, loop, table=table), "127.0.0.1", 0)
    try:
        for abrupt in (True, False):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in await reader.readline()
            assert not processes.all_ended()
            if abrupt:
                writer.transport.abort()
            else:
                writer.close()
            await eventually(processes.all_ended)
        await eventually(lambda: not state.tasks)
    finally:
        server.close()
    assert len(processes.started) == 2
