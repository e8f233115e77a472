"""What is scanned when: at the beginning everything, then what changes; what cannot be watched now and then."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from soundalike.crawler.errors import SourceLocked, SourceUnavailable
from soundalike.crawler.library import library_watch
from soundalike.crawler.library.folder_changes import Unwatchable, folder_changes
from soundalike.crawler.library.library_watch import LibraryWatch, LibraryWatches
from soundalike.db import libraries
from soundalike.db.libraries import Library
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from soundalike.db.database import Pool
    from soundalike.db.libraries import Subfolder
    from soundalike.http.errors import ServiceError


class Scans:
    """Scans that do nothing but end as they are told to, successfully where nothing is told."""

    def __init__(self) -> None:
        self.folders: list[bytes] = []
        self.ends: list[ServiceError | None] = []

    async def __call__(self, subfolder: Subfolder) -> ServiceError | None:
        self.folders.append(subfolder.path)
        return self.ends.pop(0) if self.ends else None


@pytest.fixture
def scans() -> Scans:
    return Scans()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "music/album").mkdir(parents=True)
    return Library(1, os.fsencode(tmp_path / "music"), watched=True)


@pytest.fixture(autouse=True)
def _quick_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_watch, "folder_changes", lambda root: folder_changes(root, quiet_s=0.1, tick_s=0.1))


def _touch(path: Path) -> None:
    path.touch()


def _move(path: Path, target: Path) -> None:
    path.rename(target)


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_everything_is_scanned_at_first_and_then_the_folder_that_changes(
    library: Library, scans: Scans, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    root = Path(os.fsdecode(library.root))
    async with running(LibraryWatch(library, scans).run()):
        await eventually(lambda: scans.folders == [b""], "the first scan")
        _touch(root / "album/1.mp3")
        await eventually(lambda: scans.folders == [b"", b"album"], "the scan of the folder")
    assert [record.message for record in caplog.records] == [f"{root} is watched"]


async def test_a_scan_for_which_another_crawler_left_no_room_is_repeated(
    library: Library, scans: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_watch, "_RETRY_S", 0.0)
    scans.ends = [SourceLocked("another crawler is scanning it")] * 2
    async with running(LibraryWatch(library, scans).run()):
        await eventually(lambda: len(scans.folders) == 3, "two more scans")
        _touch(Path(os.fsdecode(library.root), "album/1.mp3"))
        await eventually(lambda: scans.folders[3:] == [b"album"], "nothing but what changed")


async def test_where_nothing_is_left_in_a_folder_the_one_around_it_is_scanned(library: Library, scans: Scans) -> None:
    async with running(LibraryWatch(library, scans).run()):
        await eventually(lambda: scans.folders == [b""], "the first scan")
        scans.ends = [SourceUnavailable("album is empty"), SourceUnavailable("so is the library")]
        _touch(Path(os.fsdecode(library.root), "album/1.mp3"))
        await eventually(lambda: scans.folders == [b"", b"album", b""], "two scans")
        scans.folders.clear()
        _touch(Path(os.fsdecode(library.root), "album/2.mp3"))
        await eventually(lambda: scans.folders == [b"album"], "nothing but what changed")


async def test_a_library_that_is_away_is_waited_for_and_scanned_when_it_is_back(
    library: Library, scans: Scans, caplog: pytest.LogCaptureFixture
) -> None:
    root = Path(os.fsdecode(library.root))
    elsewhere = root.with_name("elsewhere")
    _move(root, elsewhere)
    watch = LibraryWatch(library, scans, restart_s=0.01)
    async with running(watch.run()):
        await eventually(lambda: "is not there" in caplog.text, "a note")
        _move(elsewhere, root)
        await eventually(lambda: scans.folders == [b""], "a scan")
        _move(root, elsewhere)
        await eventually(lambda: not watch._is_watching, "the end of the watch")
        _move(elsewhere, root)
        await eventually(lambda: scans.folders == [b"", b""], "another scan")
    assert caplog.text.count("is not there") == 1


@pytest.mark.parametrize("is_remote", [True, False])
async def test_what_cannot_be_watched_is_scanned_now_and_then_and_that_is_told_once(
    library: Library, scans: Scans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_remote: bool
) -> None:
    async def refuse(root: bytes) -> AsyncIterator[set[bytes]]:
        raise Unwatchable("OS file watch limit reached")
        yield set()

    monkeypatch.setattr(library_watch, "folder_changes", refuse)
    monkeypatch.setattr(library_watch, "remote_type", lambda _: "nfs4" if is_remote else None)
    async with running(LibraryWatch(library, scans, period_s=0.01).run()):
        await eventually(lambda: len(scans.folders) > 2, "several scans")
    reason = "it lies on another machine or a shared folder: nfs4" if is_remote else "OS file watch limit reached"
    [record] = caplog.records
    assert f"cannot be watched ({reason}): it is scanned every" in record.message
    assert set(scans.folders) == {b""}


async def test_libraries_are_taken_up_and_left_while_it_runs(pool: Pool, library: Library, scans: Scans) -> None:
    async with pool.acquire() as connection:
        await libraries.register(connection, library.root)
    watches = LibraryWatches(pool, scans, poll_s=0.05)
    async with running(watches.run()):
        async with pool.acquire() as connection:
            subfolder = await libraries.register(connection, library.root, watched=True)
        await eventually(lambda: scans.folders == [b""], "one scan of the library that is watched")
        await libraries.delete(pool, subfolder.library)
        await eventually(lambda: not watches._tasks, "no watch any more")


async def test_an_error_of_the_code_is_logged_and_ends_no_other_watch(
    pool: Pool, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(library_watch, "_ERROR_S", 3600.0)
    (tmp_path / "other").mkdir()
    seen: list[bytes] = []

    async def scan(subfolder: Subfolder) -> None:
        if subfolder.library.root == library.root:
            raise KeyError("a bug")
        seen.append(subfolder.library.root)

    async with pool.acquire() as connection:
        for root in (library.root, os.fsencode(tmp_path / "other")):
            await libraries.register(connection, root, watched=True)
    async with running(LibraryWatches(pool, scan).run()):
        await eventually(lambda: "a bug" in caplog.text and seen, "an error and a scan")
    assert seen == [os.fsencode(tmp_path / "other")]
