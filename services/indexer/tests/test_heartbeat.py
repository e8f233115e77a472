import asyncio
from pathlib import Path

import pytest

from soundalike.indexer.health_file import beating
from soundalike.testing.wait import eventually


async def test_file_is_touched_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    async with beating(file, every_s=0.001):
        assert file.exists()
        file.unlink()
        await eventually(file.exists)


async def test_nothing_is_touched_after_the_end(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    async with beating(file, every_s=0.001):
        pass
    file.unlink()
    await asyncio.sleep(0.01)
    assert not file.exists()


async def test_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with beating(tmp_path / "missing" / "heartbeat"):
            pass


async def test_without_a_file_nothing_happens() -> None:
    async with beating(None):
        pass
