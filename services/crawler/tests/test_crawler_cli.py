"""The command as a person runs it, with a real database, a real object store and the sandbox."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import pytest
from mutagen.flac import FLAC

from soundalike.db import database, libraries, tracks
from soundalike.db.aliases import ISRC, Alias
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId
from soundalike.provisioning.resources import provision_events
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, FOREIGN_PLAYLIST_ID
from soundalike.settings import QueueSettings
from soundalike.storage.object_store import S3Store
from soundalike.testing.hostile_text import HOSTILE_NAMES, HOSTILE_TEXTS, active_characters
from soundalike.testing.wait import eventually_sync, scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.sandbox.server import SandboxServer


@dataclass
class Command:
    """`python -m soundalike.crawler` in an environment of its own."""

    environment: dict[str, str]

    def start(self, *arguments: str, **variables: str | None) -> subprocess.Popen[str]:
        environment = self.environment | {name: value for name, value in variables.items() if value is not None}
        for name in [name for name, value in variables.items() if value is None]:
            environment.pop(name, None)
        return subprocess.Popen(
            [sys.executable, "-m", "soundalike.crawler", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, **variables: str | None) -> tuple[int, str, str]:
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=scale(120))
        return process.returncode, out, err


def counts(table: str) -> dict[str, int]:
    rows = [line.rsplit(None, 1) for line in table.splitlines() if line.strip()]
    return {row[0].strip(): int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


@pytest.fixture
def store(aws_environment: object, request: pytest.FixtureRequest) -> S3Store:
    name = f"c{abs(hash(request.node.nodeid)) % 10**12}"
    settings = QueueSettings(s3_bucket=f"crawler-{name}", queue_name=name)
    provision_events(settings)
    return S3Store.connect(settings)


@pytest.fixture
def command(store: S3Store, database_url: str, server: SandboxServer, tmp_path: Path) -> Command:
    remaining = {
        name: value for name, value in os.environ.items() if name.startswith("AWS_") or name in {"PATH", "HOME"}
    }
    return Command(
        remaining
        | {
            "DATABASE_URL": database_url,
            "S3_BUCKET": store._bucket,
            "SPOTIFY_API_URL": server.api_url,
            "SPOTIFY_TOKEN_URL": server.token_url,
            "SPOTIFY_CLIENT_ID": "sandbox",
            "SPOTIFY_CLIENT_SECRET": "sandbox",
            "PYTHONWARNINGS": "error",
            "PYTHONPATH": "",
        }
    )


def answered(command: Command, answer: str, *arguments: str) -> tuple[int, str, str]:
    """Run `forget` at a terminal where a person answers; returns as `Command`."""
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "soundalike.crawler", "forget", *arguments],
            env=command.environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(ours, f"{answer}\n".encode())
        out, err = process.communicate(timeout=scale(120))
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, out, err


def in_bucket(store: S3Store) -> list[str]:
    async def listed() -> list[str]:
        return [results.key async for results in store.list("previews/")]

    return asyncio.run(listed())


def states(url: str) -> dict[str, int]:
    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(url)
        try:
            return {
                r["state"]: r["n"] for r in await connection.fetch("SELECT state, count(*) n FROM tracks GROUP BY 1")
            }
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_playlist_then_the_same_again(command: Command, store: S3Store, database_url: str) -> None:
    status, out, err = command("--playlist", f"https://open.spotify.com/playlist/{DEMO_PLAYLIST_ID}?si=1")
    assert (status, err.count("Traceback")) == (0, 0), err
    assert counts(out) == {"found": 48, "skipped": 0, "no preview": 0, "rejected": 0, "uploaded": 48, "failed": 0}
    assert len(in_bucket(store)) == 48
    assert states(database_url) == {"queued": 48}
    status, out, _ = command(DEMO_PLAYLIST_ID)
    assert status == 0
    assert counts(out)["the playlist has not changed since it was crawled"] == counts(out)["skipped"] == 48


def test_only_lists_that_somebody_wants_again_are_due(command: Command, database_url: str) -> None:
    def due_in_hours() -> float | None:
        async def ask() -> float | None:
            connection = await asyncpg.connect(database_url)
            try:
                return await connection.fetchval("SELECT extract(epoch FROM next_crawl_at - now()) FROM playlists")
            finally:
                await connection.close()

        seconds = asyncio.run(ask())
        return None if seconds is None else round(float(seconds) / 3600, 1)

    for arguments, hours in (
        ([], None),
        (["--every", "6"], 6),
        ([], 6),
        (["--every", "0"], None),
    ):
        status, _, err = command(AWKWARD_PLAYLIST_ID, *arguments)
        assert (status, due_in_hours()) == (0, hours), err
    process = command.start("--watch", AWKWARD_PLAYLIST_ID, RECRAWL_HOURS="12")
    assert process.stderr is not None
    while "watching" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=scale(120))
    assert due_in_hours() == 12


def test_both_one_after_the_other(
    command: Command, store: S3Store, tmp_path: Path, audio: Callable[..., bytes]
) -> None:
    (tmp_path / "song.flac").write_bytes(audio(40))
    (tmp_path / "bad.mp3").write_bytes(b"nothing")
    status, out, err = command("--playlist", f"spotify:playlist:{AWKWARD_PLAYLIST_ID}", "--folder", str(tmp_path))
    assert status == 0, err
    first, second = out.split(str(tmp_path))
    assert (counts(first)["found"], counts(first)["uploaded"]) == (11, 4)
    assert (counts(second)["found"], counts(second)["uploaded"], counts(second)["rejected"]) == (2, 1, 1)
    assert "bad.mp3: rejected, the content is not audio" in err
    assert len([key for key in in_bucket(store) if key.startswith("previews/file/")]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"song.flac", "bad.mp3"}


def test_a_file_that_is_copied_into_a_watched_library_is_uploaded(
    command: Command, store: S3Store, database_url: str, tmp_path: Path, audio: Callable[..., bytes]
) -> None:
    root = os.fsencode(tmp_path.resolve())

    async def register() -> None:
        connection = await asyncpg.connect(database_url)
        try:
            await libraries.register(connection, root, watched=True)
        finally:
            await connection.close()

    asyncio.run(register())
    process = command.start("--watch")
    assert process.stderr is not None
    try:
        while f"{tmp_path} is watched" not in (line := process.stderr.readline()):
            assert line
        (tmp_path / "album").mkdir()
        (tmp_path / "album/song.flac").write_bytes(audio(8))
        eventually_sync(lambda: len(in_bucket(store)) == 1, "the clip of the copied file", interval_s=0.1)
    finally:
        process.terminate()
        process.communicate(timeout=scale(60))
    assert (process.returncode, states(database_url)) == (130, {"queued": 1})


def test_a_folder_needs_no_spotify(command: Command, tmp_path: Path, audio: Callable[..., bytes]) -> None:
    (tmp_path / "song.flac").write_bytes(audio(8))
    nothing: dict[str, str | None] = {name: None for name in command.environment if name.startswith("SPOTIFY_")}
    status, out, err = command(str(tmp_path), **nothing)
    assert (status, counts(out)["uploaded"]) == (0, 1), err


@pytest.mark.parametrize(("files", "what"), [(["a.txt", "b/c.log"], "2 other files"), ([], "it is empty")])
def test_a_folder_without_music_is_called_so(command: Command, tmp_path: Path, files: list[str], what: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("words")
    status, out, err = command("--folder", str(tmp_path))
    assert (status, counts(out)["found"]) == (0, 0)
    assert err.splitlines()[-1] == f"there is no music in {tmp_path}: {what}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to crawl"),
        (["--playlist", "nonsense"], "open.spotify.com/playlist/"),
        (["--folder", "nowhere/at/all"], "there is no file or folder nowhere/at/all: check the spelling"),
        (["--folder", __file__], f"{__file__} is a file: name the folder in which it lies"),
        (["/nowhere/at/all"], "there is no file or folder /nowhere/at/all: check the spelling"),
        (["--every", "0.001", "--watch"], "0 for never"),
        (["forget", "nonsense"], "cannot be forgotten"),
        (["forget"], "give one of these"),
        (["forget", "deezer:track:7", "--isrc", "ZZAAA2600001"], "give one of these"),
        (["forget", "--isrc", "nonsense"], "is not an ISRC"),
        (["forget", "--title", "Song"], "given together"),
        (["--unknown"], "No such option"),
    ],
)
def test_usage(command: Command, arguments: list[str], message: str) -> None:
    status, _, err = command(*arguments, COLUMNS="300")
    assert status == 2
    assert message in err


def test_a_check_reads_settings_and_targets_and_connects_to_nothing(command: Command, tmp_path: Path) -> None:
    elsewhere = {"DATABASE_URL": "postgresql://nobody:not-used@127.0.0.1:9/nothing"}
    status, _, err = command("--check", "--folder", str(tmp_path), **elsewhere)
    assert (status, err.strip()) == (
        1,
        f"{tmp_path} is empty: name a folder with music, or check that its disk is there",
    )
    (tmp_path / "notes.txt").touch()
    assert command("--check", "--folder", str(tmp_path), **elsewhere) == (0, "", "")
    for arguments in (["--check", "--playlist", DEMO_PLAYLIST_ID], ["soundcloud", "--check"]):
        status, _, err = command(*arguments, SPOTIFY_CLIENT_ID=None, SOUNDCLOUD_CLIENT_ID=None, **elsewhere)
        assert (status, "CLIENT_ID: it is not set" in err) == (78, True)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DATABASE_URL": None}, "DATABASE_URL: it is not set"),
        ({"S3_BUCKET": "NO"}, "S3_BUCKET"),
        ({"SPOTIFY_CLIENT_SECRET": None}, "SPOTIFY_CLIENT_SECRET"),
        ({"SPOTIFY_API_URL": None, "SPOTIFY_TOKEN_URL": None}, "SPOTIFY_TERMS_ACCEPTED: set it to `yes`"),
    ],
)
def test_settings(command: Command, variables: dict[str, str | None], named: str) -> None:
    status, out, err = command("--playlist", DEMO_PLAYLIST_ID, **variables)
    assert (status, out) == (78, "")
    assert named in err
    assert "Traceback" not in err


def test_a_database_without_schema_or_gone(command: Command, database_url: str) -> None:
    base, _, _ = database_url.rpartition("/")
    status, _, err = command("--playlist", DEMO_PLAYLIST_ID, DATABASE_URL=f"{base}/nowhere")
    assert status == 1
    assert "DATABASE_URL" in err
    assert "Traceback" not in err


def test_a_failure_that_may_pass(command: Command, server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault(path="/mp3-preview/*", status=503, times=3))
    server.sandbox.faults.add(Fault(path="/mp3-preview/*", status=503, times=None))
    status, out, err = command("--playlist", AWKWARD_PLAYLIST_ID)
    assert status == 1
    assert counts(out)["failed"] == counts(out)["the preview's server answered 503"] == 4
    assert "failed, the preview's server answered 503 for" in err


def test_a_playlist_of_somebody_else(command: Command) -> None:
    status, out, err = command("--playlist", FOREIGN_PLAYLIST_ID)
    assert (status, counts(out)["found"]) == (1, 0)
    assert "set SPOTIFY_REFRESH_TOKEN" in err


def test_a_spent_quota(command: Command, server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault.quota_exceeded("/v1/*"))
    status, _, err = command("--playlist", DEMO_PLAYLIST_ID)
    assert status == 75
    assert "quota is used up" in err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_crawl_shows_its_table_and_goes_on(
    command: Command, server: SandboxServer, store: S3Store, stop: signal.Signals
) -> None:
    current = Fault(path="/mp3-preview/*", delay_seconds=600, after=10, times=None)
    server.sandbox.faults.add(current)
    process = command.start("--playlist", DEMO_PLAYLIST_ID, CRAWL_CONCURRENCY="4")

    def ten_are_stored() -> bool:
        assert process.poll() is None
        return len(in_bucket(store)) >= 10

    eventually_sync(ten_are_stored, interval_s=0.05)
    process.send_signal(stop)
    out, err = process.communicate(timeout=scale(120))
    assert process.returncode == 130, err
    assert counts(out)["uploaded"] >= 10 - 4
    assert "run the same command again to continue" in err
    assert "Traceback" not in err
    server.sandbox.faults.clear()
    status, out, _ = command("--playlist", DEMO_PLAYLIST_ID)
    assert status == 0
    assert counts(out)["found"] == 48
    assert len(in_bucket(store)) == 48


def test_an_interrupted_folder(command: Command, tmp_path: Path, audio: Callable[..., bytes]) -> None:
    for number in range(40):
        (tmp_path / f"{number}.flac").write_bytes(audio(8, hertz=200 + number))
    process = command.start("--folder", str(tmp_path))
    assert process.stderr is not None
    while "crawling" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=scale(120))
    assert (process.returncode, "found" in out, "Traceback" in err) == (130, True, False), err
    status, out, err = command("--folder", str(tmp_path))
    assert status == 0, err
    assert counts(out)["found"] == 40


def test_forgetting_by_code_and_by_name(command: Command, database_url: str, store: S3Store) -> None:
    first, second = pieces()[0], pieces()[1]
    name = ("forget", "--title", second.title.upper(), "--artist", f"The {second.artist}")
    status, _, err = command(*name)
    assert status == 1
    assert "no stored track is called" in err
    assert command("--playlist", DEMO_PLAYLIST_ID)[0] == 0

    code = f"{first.isrc[:2]}-{first.isrc[2:5]}-{first.isrc[5:7]}-{first.isrc[7:]}".lower()
    status, out, err = command("forget", "--isrc", code)
    assert (status, out) == (
        0,
        f"forgotten: ISRC {first.isrc}, 1 track, 1 preview deleted; tracks with this ISRC are blocked from now on\n",
    ), err

    status, out, err = command(*name)
    assert status == 1
    assert f"spotify:track:{second.spotify_id}  {second.artist} \N{EN DASH} {second.title}" in out
    assert "--yes is needed" in err
    assert states(database_url) == {"queued": 47, "forgotten": 1}

    status, out, err = command(*name, "--yes")
    assert status == 0, err
    blocked = f"these tracks are blocked from now on, and so is every track with ISRC {second.isrc}"
    assert f"1 track, 1 preview deleted; {blocked}" in out
    assert states(database_url) == {"queued": 46, "forgotten": 2}
    assert len(in_bucket(store)) == 46


@pytest.mark.parametrize(("answer", "left"), [("y", {"forgotten": 1}), ("n", {"pending": 1}), ("", {"pending": 1})])
def test_a_person_is_asked_before_a_name_is_forgotten(
    command: Command, database_url: str, answer: str, left: dict[str, int]
) -> None:
    async def fill() -> None:
        async with database.connect(database_url, size=1) as pool:
            await tracks.upsert(pool, Track(TrackId("deezer", "1"), "Song", ("Band",)))

    asyncio.run(fill())
    status, out, err = answered(command, answer, "--title", "song", "--artist", "band")
    assert "Forget 1 track? [y/N]" in out
    assert status == (0 if answer == "y" else 1)
    assert ("nothing was forgotten" in err) is (answer != "y")
    assert ("as none of them has an ISRC" in out) is (answer == "y")
    assert states(database_url) == left


def in_encodings(database_url: str) -> tuple[TrackId, TrackId]:
    """Two files with one ISRC in their tags."""
    first, second = (TrackId("file", character * 64) for character in "ab")

    async def fill() -> None:
        async with database.connect(database_url, size=1) as pool:
            for track in (first, second):
                await tracks.upsert(pool, Track(track, "Song", ("Band",), aliases=(Alias(ISRC, "USHM80865849"),)))

    asyncio.run(fill())
    return first, second


def test_other_encodings_of_a_file_are_named_and_stay_unless_they_are_asked_for(
    command: Command, database_url: str
) -> None:
    first, second = in_encodings(database_url)
    status, out, err = command("forget", first.urn)
    assert (status, err) == (0, "")
    assert f"  {second.urn}  Band \N{EN DASH} Song  pending  (the same ISRC)\n" in out
    assert out.endswith("the other files stay; to forget one: soundalike forget file:track:…\n")
    assert states(database_url) == {"forgotten": 1, "pending": 1}
    # By then only the ids of the first are known.
    status, out, err = command("forget", first.urn, "--recordings")
    assert (status, err) == (0, "")
    assert "forgotten: other encodings, 1 track, 0 previews deleted; they are blocked from now on\n" in out
    assert states(database_url) == {"forgotten": 2}


@pytest.mark.parametrize(("answer", "left"), [("y", {"forgotten": 2}), ("", {"forgotten": 1, "pending": 1})])
def test_a_person_is_asked_whether_other_encodings_go_too(
    command: Command, database_url: str, answer: str, left: dict[str, int]
) -> None:
    first, _ = in_encodings(database_url)
    status, out, err = answered(command, answer, first.urn)
    assert "Forget 1 file as well? [y/N]" in out, err
    assert status == 0
    assert states(database_url) == left


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_hostile_folder_reaches_terminal_and_log_as_text(
    command: Command, tmp_path: Path, audio: Callable[..., bytes], database_url: str, log_format: str
) -> None:
    folder = tmp_path / f"music{HOSTILE_NAMES[0]}\n"
    folder.mkdir()
    for number, name in enumerate(HOSTILE_NAMES):
        (folder / f"{number} {name}.mp3").write_bytes(b"not what its name says %d" % number)
        song = folder / f"{number} {name}.flac"
        song.write_bytes(audio(8, hertz=300 + 20 * number))
        tags = FLAC(song)
        for field in ("title", "artist", "album"):
            tags[field] = HOSTILE_TEXTS[number].replace("\udcff", "")
        tags.save()
    status, out, err = command("--folder", str(folder), LOG_FORMAT=log_format)
    assert status == 0, err
    assert counts(out)["uploaded"] == counts(out)["rejected"] == len(HOSTILE_NAMES)
    assert active_characters(out + err, keep="\n") == set()
    assert len([line for line in err.splitlines() if "not audio" in line]) == len(HOSTILE_NAMES)

    async def rows() -> str:
        connection = await asyncpg.connect(database_url)
        try:
            statement = "SELECT string_agg(t::text || n::text, '') FROM tracks t JOIN track_names n USING (urn)"
            return str(await connection.fetchval(statement))
        finally:
            await connection.close()

    assert active_characters(asyncio.run(rows())) == set()


def test_old_names_are_listed_as_text_before_they_are_forgotten(command: Command, database_url: str) -> None:
    async def store() -> None:
        async with database.connect(database_url) as pool:
            for number, hostile in enumerate(HOSTILE_TEXTS):
                track = TrackId("deezer", str(number + 1))
                await tracks.upsert(pool, Track(track, "Song", ("Band",)))
                # As it was written before names were cleaned.
                stored = hostile.replace("\x00", "").replace("\udcff", "")
                await pool.execute("UPDATE tracks SET album = $2 WHERE urn = $1", track.urn, stored)

    asyncio.run(store())
    status, out, err = command("forget", "--title", "Song", "--artist", "Band", "--yes")
    assert status == 0, err
    assert active_characters(out + err, keep="\n") == set()
    assert len(out.splitlines()) == len(HOSTILE_TEXTS) + 2


def test_forgetting_what_nobody_knows_says_so(command: Command) -> None:
    status, out, err = command("forget", "deezer:track:999")
    assert (status, err) == (0, "")
    assert out == "nothing is known of the track deezer:track:999; it is blocked from now on\n"
    status, out, err = command("forget", "--isrc", "ZZAAA2600001")
    assert (status, err) == (0, "")
    assert out == "no track with the ISRC ZZAAA2600001 is known; tracks with this ISRC are blocked from now on\n"
