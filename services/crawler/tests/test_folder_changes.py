from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
import watchfiles

from soundalike.crawler.library.folder_changes import Unwatchable, changed_folders, folder_changes
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a/b", "a/c", "ab", "d"):
        (tmp_path / "music" / name).mkdir(parents=True)
    return tmp_path / "music"


def changes(root: Path) -> AsyncIterator[set[bytes]]:
    return folder_changes(os.fsencode(root), quiet_s=0.1, tick_s=0.2)


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        ([], []),
        (["a/b/1.mp3", "a/b/2.mp3", "d/3.mp3"], ["a/b", "d"]),
        (["a/x", "a/b/1.mp3", "ab/1.mp3"], ["a", "ab"]),
        # A folder that is new, one that is gone, and one that is gone with what it lay in.
        (["a/c"], ["a/c"]),
        (["gone"], [""]),
        (["a/gone/gone/1.mp3"], ["a"]),
        (["1.mp3", "a/b/2.mp3"], [""]),
        ([""], [""]),
        (["../elsewhere/1.mp3"], [""]),
        ([f"a/b/{number}.mp3" for number in range(1_001)], [""]),
    ],
)
def test_what_changed_becomes_folders_of_which_none_lies_in_another(
    root: Path, paths: list[str], folders: list[str]
) -> None:
    assert changed_folders(os.fsencode(root), [os.path.normpath(root / path) for path in paths]) == {
        folder.encode() for folder in folders
    }


def _touch(path: Path) -> None:
    path.touch()


def _move_away(root: Path, *, replaced: bool) -> None:
    root.rename(root.with_name("former"))
    if replaced:
        root.mkdir()


async def _next(stream: AsyncIterator[set[bytes]]) -> set[bytes]:
    """Return the next folders that are told."""
    async with asyncio.timeout(scale(60)):
        return await anext(folders async for folders in stream if folders)


async def test_added_changed_moved_and_deleted_files_are_told(root: Path) -> None:
    async with aclosing(changes(root)) as stream:  # type: ignore[type-var]
        assert await anext(stream) == set()
        (root / "a/b/1.mp3").write_bytes(b"1")
        assert await _next(stream) == {b"a/b"}
        (root / "a/b/1.mp3").rename(root / "d/1.mp3")
        assert await _next(stream) == {b"a/b", b"d"}
        (root / "new/folder").mkdir(parents=True)
        assert await _next(stream) == {b"new"}
        (root / "new/folder/2.mp3").write_bytes(b"2")
        assert await _next(stream) == {b"new/folder"}
        shutil.rmtree(root / "new")
        assert await _next(stream) == {b""}


@pytest.mark.parametrize("replaced", [True, False])
async def test_a_root_that_is_another_one_ends_the_watch(root: Path, replaced: bool) -> None:
    async with aclosing(changes(root)) as stream:  # type: ignore[type-var]
        await anext(stream)
        _move_away(root, replaced=replaced)
        assert [folders async for folders in stream if folders] == []


async def test_a_root_that_is_not_there_cannot_be_watched(root: Path) -> None:
    with pytest.raises(Unwatchable, match="it is not there"):
        await anext(changes(root / "nowhere"))


def _limited(error: Exception) -> Callable[..., AsyncIterator[set[tuple[int, str]]]]:
    async def awatch(*_: object, **__: object) -> AsyncIterator[set[tuple[int, str]]]:
        raise error
        yield set()

    return awatch


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("OS file watch limit reached."), "OS file watch limit reached."),
        (PermissionError("Permission denied"), "Permission denied"),
        (RuntimeError("Too many open files"), "Too many open files"),
        (ExceptionGroup("", [RuntimeError("Unable to decode path")]), "Unable to decode path"),
    ],
)
async def test_what_the_system_refuses_is_one_error(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr(watchfiles, "awatch", _limited(error))
    with pytest.raises(Unwatchable) as caught:
        await anext(changes(root))
    assert str(caught.value) == message


async def test_a_name_that_is_no_utf8_ends_the_watch_instead_of_being_missed(root: Path) -> None:
    async with aclosing(changes(root)) as stream:  # type: ignore[type-var]
        await anext(stream)
        try:
            _touch(root / "a" / os.fsdecode(b"\xff.mp3"))
        except OSError:
            pytest.skip("this file system has no such names")
        with pytest.raises(Unwatchable):
            await _next(stream)
