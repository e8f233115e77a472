"""From a folder to answers in one command, with and without a platform."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.db import tracks
from soundalike.domain.track_id import TrackId
from soundalike.local import crawl, crawl_command
from soundalike.local.analysis import AnalysisStalled
from soundalike.local.crawl_command import CrawlCommand
from soundalike.local.data_directory import DataDirectory
from soundalike.local.pidfile import Pidfile
from soundalike.local.running_platform import RunningPlatform, exclusive_lock, is_running, publish
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.composer import compose, encode_mp3
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from soundalike.db.database import Pool


@pytest.fixture
def data(private_folder: Path) -> DataDirectory:
    return DataDirectory.at(private_folder / "soundalike")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Four pieces of twelve seconds, one that is silent, and a picture."""
    folder = tmp_path / "music"
    folder.mkdir()
    for piece in pieces()[:32:8]:
        (folder / f"{piece.title}.mp3").write_bytes(encode_mp3(compose(piece)[: 12 * 44_100]))
    (folder / "Nothing at all.mp3").write_bytes(encode_mp3(compose(pieces()[0])[: 12 * 44_100] * 0))
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return folder


async def _start(data: DataDirectory, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "soundalike.local", "crawl", "--data", str(data.root), "--folder", str(folder)),
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _output(process: asyncio.subprocess.Process, until: str | None = None) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(scale(400)):
        async for line in process.stdout:
            lines.append(line.decode())
            if until is not None and until in lines[-1]:
                break
    return "".join(lines)


def _assert_nothing_is_running(data: DataDirectory) -> None:
    assert not is_running(data)
    assert Pidfile(data.pidfile).running_names() == set()


@pytest.mark.timeout(900)
async def test_from_a_folder_to_answers_without_a_platform_also_after_an_interruption(
    data: DataDirectory, music: Path
) -> None:
    first = await _start(data, music)
    begin = await _output(first, until="crawling")
    assert f"No platform is running: starting one for this crawl. Its data folder is {data.root}" in begin
    first.send_signal(signal.SIGINT)
    end = await _output(first)
    assert await first.wait() == 130, end
    assert re.search(r"Everything so far is kept: \d tracks? (is|are) ready, (\d|none) still to be analysed\.", end)
    _assert_nothing_is_running(data)

    second = await _start(data, music)
    out = await _output(second)
    assert await second.wait() == 0, out
    assert re.search(r"\d of \d tracks analysed|already analysed +4", out), out
    assert "4 tracks are ready to be recommended" in out, out
    assert re.search(r"^ +1  .* is silent.*: Nothing at all\.mp3$", out, re.MULTILINE), out
    answers = re.findall(r"^(.+)  sounds like\n  1  0\.\d{3}  (.+)\n  2  .+\n  3  .+$", out, re.MULTILINE)
    assert len(answers) == 3, out
    titles = {piece.title for piece in pieces()}
    assert all({query, nearest} <= titles and query != nearest for query, nearest in answers), answers
    assert out.splitlines()[-3:] == [
        "Nothing is running any more, and everything is kept. To look at it:",
        f"  soundalike up --data {data.root}      # serves until Ctrl-C",
        f"  soundalike open --data {data.root}    # in another terminal: opens its page in the browser",
    ]
    _assert_nothing_is_running(data)


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "there is no file or folder {path}"), ("empty", "{path} is empty: name a folder with music")],
)
async def test_nothing_is_started_for_a_folder_that_is_missing_or_empty(
    data: DataDirectory, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    process = await _start(data, tmp_path / name)
    out = await _output(process)
    assert await process.wait() in {1, 2}
    assert out.startswith(message.format(path=tmp_path / name)), out
    assert len(out.splitlines()) == 1
    assert not data.root.exists()


class _Api:
    """A platform that is up at once; keeps what the command does with it."""

    def __init__(self, running: RunningPlatform) -> None:
        self.running_platform = running
        self.events: list[str] = []
        self.supervisor = self
        self.force_stop = asyncio.Event()

    def __call__(self, *_: object, **__: object) -> _Api:
        return self

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunningPlatform]:
        try:
            yield self.running_platform
        finally:
            self.events.append("stopped")

    async def run_while_up(self, work: Any) -> None:
        await work
        self.events.append("crawled")

    async def watch(self) -> None:
        self.events.append("served")
        raise asyncio.CancelledError


@pytest.fixture
def running(database_url: str) -> RunningPlatform:
    return RunningPlatform(os.getpid(), "http://127.0.0.1:9", None, {"DATABASE_URL": database_url})


@pytest.fixture
def up(data: DataDirectory, running: RunningPlatform) -> Any:
    data.create()
    with exclusive_lock(data):
        publish(data, running)
        yield


@pytest.fixture
def crawler(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a script in the place of the crawler."""

    def script(text: str) -> None:
        command = [sys.executable, "-c", text]
        for module in (crawl, crawl_command):
            monkeypatch.setattr(module, "crawler_command", lambda *_: command)

    return script


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("status", [0, 1, 2, 75, 78])
async def test_on_a_running_platform_the_status_is_that_of_the_crawler(
    data: DataDirectory,
    up: None,
    pool: Pool,
    crawler: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    status: int,
    wait: bool,
) -> None:
    crawler(f"raise SystemExit({status})")
    assert await CrawlCommand(data, ["x"], wait=wait).run() == status
    told = "\n0 tracks are ready to be recommended (0 new).\nThere are no two tracks to compare yet.\n"
    is_told = capsys.readouterr().out == told
    assert is_told == (wait and status not in {2, 78})


async def test_a_platform_that_analyses_nothing_fails_no_crawl(
    data: DataDirectory,
    up: None,
    pool: Pool,
    crawler: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def stall(*_: object) -> None:
        raise AnalysisStalled("No track was analysed for 5 minutes")

    monkeypatch.setattr(crawl, "wait_for_analysis", stall)
    crawler("")
    assert await CrawlCommand(data, ["x"]).run() == 0
    assert capsys.readouterr().err == "No track was analysed for 5 minutes\n"


async def test_an_interrupted_wait_leaves_the_platform_at_work(
    data: DataDirectory, up: None, pool: Pool, crawler: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    await tracks.ensure(pool, track := TrackId("deezer", "1"))
    await tracks.mark_queued(pool, track, provider="deezer", method="isrc")
    crawler("")
    command = asyncio.ensure_future(CrawlCommand(data, ["x"]).run())
    while "0 of 1 tracks analysed" not in (out := capsys.readouterr().out):
        assert not command.done(), out
        await asyncio.sleep(0.01)
    command.cancel()
    assert await command == 130
    assert capsys.readouterr().out == (
        f"The platform goes on with what it has: `soundalike status --data {data.root}` shows how far it is.\n"
    )


@pytest.mark.parametrize("stay", [True, False])
async def test_a_platform_for_the_while_serves_on_where_it_is_told_to(
    data: DataDirectory,
    running: RunningPlatform,
    pool: Pool,
    crawler: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stay: bool,
) -> None:
    api = _Api(running)
    monkeypatch.setattr(crawl_command, "Platform", api)
    crawler("")
    assert await CrawlCommand(data, ["x"], stay=stay).run() == 0
    assert api.events == ["crawled", *(["served"] if stay else []), "stopped"]
    assert (f"Serving on {running.api_url} until Ctrl-C" in capsys.readouterr().out) == stay


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--folder", "x"], ["--check", "--folder", "x"]),
        (["soundcloud", "--from", "x"], ["soundcloud", "--check", "--from", "x"]),
        ([], ["--check"]),
    ],
)
def test_options_of_the_crawler_follow_its_subcommand(arguments: list[str], expected: list[str]) -> None:
    command = crawl.crawler_command(arguments, "--check")
    assert command[command.index("soundalike.crawler") + 1 :] == expected
