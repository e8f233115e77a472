"""The taste version that is answered from: followed, fetched once, checked, mapped into memory."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalog import taste_versions
from catalog.errors import ObjectMissing, StoreUnavailable
from taste.errors import CorruptTaste, TasteError
from taste.manifest import ALL_FILES, MANIFEST
from taste.version import TasteVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.database import Executor
    from catalog.store import ObjectStore
    from catalog.taste_versions import TasteRow

log = logging.getLogger(__name__)

_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,199}")
_PARTIAL: Final = ".partial-"
_PARTIAL_LIFETIME_S: Final = 3_600


class TasteShelf:
    """Keeps `version` up to date; one task calls `refresh`, any number of requests read it.

    The files lie below `root`/taste. A version that is refused or cannot be fetched is tried again after `patience_s`
    seconds; until then the one before it answers, if there is one.
    """

    def __init__(
        self,
        root: Path,
        store: ObjectStore,
        *,
        patience_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.version: TasteVersion | None = None
        self._directory = root / "taste"
        self._store = store
        self._patience_s = patience_s
        self._clock = clock
        self._not_before = 0.0

    async def refresh(self, db: Executor) -> None:
        """Take over what was published since the last call; raises what the database raises."""
        row = await taste_versions.published(db)
        if row is None:
            self.version = None
            return
        if (self.version is not None and self.version.manifest.version == row.version) or (
            self._clock() < self._not_before
        ):
            return
        try:
            self.version = await self._open(row)
        except (TasteError, ObjectMissing) as error:
            log.error("taste version %s is refused: %s", row.version, error)  # noqa: TRY400 - says it all
        except StoreUnavailable as error:
            log.warning("taste version %s could not be fetched yet: %s", row.version, error)
        else:
            log.info("answering from taste version %s with %d tracks", row.version, len(self.version))
            await asyncio.to_thread(self._remove_others, row.version)
            return
        self._not_before = self._clock() + self._patience_s

    async def _open(self, row: TasteRow) -> TasteVersion:
        if not _NAME.fullmatch(row.version):
            raise CorruptTaste(f"{row.version!r} is no name of a taste version")
        directory = self._directory / row.version
        if await asyncio.to_thread((directory / MANIFEST).exists):
            try:
                return await asyncio.to_thread(_opened, directory, row)
            except TasteError as error:
                log.warning("the copy of taste version %s is fetched again: %s", row.version, error)
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        return await self._fetch(row, directory)

    async def _fetch(self, row: TasteRow, directory: Path) -> TasteVersion:
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        partial = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_PARTIAL, dir=self._directory))
        try:
            for name in ALL_FILES:
                await self._store.download(row.location.rstrip("/") + "/" + name, partial / name)
            opened = await asyncio.to_thread(_opened, partial, row)
            await asyncio.to_thread(_settle, partial, directory)
        finally:
            await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)
        return opened

    def _remove_others(self, kept: str) -> None:
        for found in self._directory.iterdir():
            fresh = found.name.startswith(_PARTIAL) and found.stat().st_mtime > time.time() - _PARTIAL_LIFETIME_S
            ours = found.is_dir() and {file.name for file in found.iterdir()} <= {*ALL_FILES}
            if found.name != kept and ours and not fresh:
                shutil.rmtree(found, ignore_errors=True)


def _opened(directory: Path, row: TasteRow) -> TasteVersion:
    opened = TasteVersion.open(directory)
    if opened.manifest.version != row.version:
        raise CorruptTaste(f"its manifest says version {opened.manifest.version}, the database says {row.version}")
    return opened


def _settle(partial: Path, directory: Path) -> None:
    try:
        partial.rename(directory)
    except OSError as error:
        # Another process that shares the directory was faster; what is mapped stays readable without its name.
        log.info("taste version %s is not kept on disk: %s", directory.name, error)
