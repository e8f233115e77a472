"""Uploads on the disk: how much of whom, and that nothing of it stays."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from soundalike.api.errors import TooManyUploads
from soundalike.api.upload_spool import UploadSpool

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_was_written_is_read(tmp_path: Path) -> None:
    spool = UploadSpool(tmp_path / "uploads")
    async with spool.open("a") as upload:
        for _ in range(5):
            await upload.write(b"0123456789" * 20_000)
        assert upload.size == 1_000_000
        assert await upload.read() == b"0123456789" * 100_000


async def test_nobody_else_can_open_it_and_nothing_stays(tmp_path: Path) -> None:
    directory = tmp_path / "uploads"
    async with UploadSpool(directory).open("a") as upload:
        await upload.write(bytes(1_000_000))
        assert list(directory.iterdir()) == []
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert upload.file is not None
        assert stat.S_IMODE(os.fstat(upload.file.fileno()).st_mode) & 0o077 == 0
        assert os.fstat(upload.file.fileno()).st_size > 0, "it is on the disk"
    assert upload.file.closed


def test_a_process_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    program = f"""
import asyncio, os, signal
from pathlib import Path
from soundalike.api.upload_spool import UploadSpool

async def main():
    async with UploadSpool(Path({str(tmp_path / "uploads")!r})).open("a") as upload:
        await upload.write(bytes(1_000_000))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    assert list((tmp_path / "uploads").iterdir()) == []


async def test_each_caller_and_all_together_have_limits_and_what_ends_makes_room(tmp_path: Path) -> None:
    spool = UploadSpool(tmp_path, max_bytes=50, max_caller_bytes=30)
    async with spool.open("a") as first, spool.open("b") as second:
        await first.write(bytes(20))
        async with spool.open("a") as another:
            await another.write(bytes(10))
            with pytest.raises(TooManyUploads, match="yours"):
                await another.write(b"x")
        await second.write(bytes(30))
        with pytest.raises(TooManyUploads, match="this API"):
            await first.write(b"x")
    async with spool.open("c") as third:
        await third.write(bytes(30))


@pytest.mark.parametrize("fault", ["no folder", "a folder of everybody"])
async def test_where_files_cannot_be_kept_it_says_no_more_than_that(tmp_path: Path, fault: str) -> None:
    directory = tmp_path / "uploads"
    if fault == "no folder":
        directory.touch()
    else:
        directory.mkdir()
        directory.chmod(0o777)
    async with UploadSpool(directory).open("a") as upload:
        with pytest.raises(TooManyUploads, match="cannot store") as refusal:
            await upload.write(bytes(1_000_000))
    assert str(tmp_path) not in str(refusal.value)
