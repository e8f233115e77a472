import asyncio
from pathlib import Path

import pytest

from soundalike.indexer.health_file import keep_health_file_fresh
from soundalike.testing.wait import eventually


async def test_file_is_touched_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    async with keep_health_file_fresh(file, interval_s=0.001):
        assert file.exists()
        file.unlink()
        await eventually(file.exists)


async def test_nothing_is_touched_after_the_end(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    async with keep_health_file_fresh(file, interval_s=0.001):
        pass
    file.unlink()
    await asyncio.sleep(0.01)
    assert not file.exists()


async def test_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with keep_health_file_fresh(tmp_path / "missing" / "heartbeat"):
            pass


async def test_without_a_file_nothing_happens() -> None:
    async with keep_health_file_fresh(None):
        pass
