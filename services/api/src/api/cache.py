"""Index versions on the local disk: fetched once, checked always, reused after a restart."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.errors import VersionRefused
from catalog.errors import ObjectMissing
from space.errors import SpaceError
from space.files import ALL_FILES, CHECKED, DATA_FILES, MANIFEST, read_ahead
from space.manifest import Manifest
from space.version import IndexVersion

if TYPE_CHECKING:
    from catalog.models import Model
    from catalog.store import ObjectStore
    from catalog.versions import Version

log = logging.getLogger(__name__)

_DIRECTORY_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,199}")
_PARTIAL: Final = ".partial-"
# A fetch of another process that shares the directory is over by then, or dead.
_PARTIAL_LIFETIME_S: Final = 3_600


class VersionCache:
    """A directory with one folder an index version, below `root`/indexes so that nothing else is ever removed."""

    def __init__(self, root: Path, store: ObjectStore) -> None:
        self._directory = root / "indexes"
        self._store = store

    async def open(self, version: Version, model: Model) -> IndexVersion:
        """Map a published version into memory, fetching it from the bucket unless an intact copy is here.

        Raises `VersionRefused` when what the bucket holds is not the version that was published, and
        `catalog.errors.StoreUnavailable` when the bucket does not answer.
        """
        if not _DIRECTORY_NAME.fullmatch(version.version):
            raise VersionRefused(f"{version.version!r} is no name of an index version")
        directory = self._directory / version.version
        if await asyncio.to_thread((directory / MANIFEST).exists):
            try:
                opened = await asyncio.to_thread(_opened, directory, version, model)
            except VersionRefused as error:
                log.warning("the copy of index version %s is fetched again: %s", version.version, error)
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
            else:
                await asyncio.to_thread(read_ahead, directory)
                return opened
        return await self._fetch(version, model, directory)

    async def keep_only(self, version: Version | None) -> None:
        """Remove the versions that are no longer answered from; what is still mapped stays readable (POSIX unlink)."""
        await asyncio.to_thread(self._remove_others, version.version if version else None)

    async def _fetch(self, version: Version, model: Model, directory: Path) -> IndexVersion:
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        partial = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_PARTIAL, dir=self._directory))
        try:
            # The manifest first: a version that is not what its row says is refused before the large files come.
            for name in (MANIFEST, *DATA_FILES):
                await self._store.download(version.location.rstrip("/") + "/" + name, partial / name)
                if name == MANIFEST:
                    await asyncio.to_thread(_read_manifest, partial, version)
            opened = await asyncio.to_thread(_opened, partial, version, model)
            await asyncio.to_thread(_settle, partial, directory)
        except ObjectMissing as error:
            raise VersionRefused(f"index version {version.version} is incomplete: {error}") from error
        else:
            return opened
        finally:
            await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)

    def _remove_others(self, kept: str | None) -> None:
        if not self._directory.is_dir():
            return
        for found in self._directory.iterdir():
            if found.name == kept or not found.is_dir():
                continue
            if found.name.startswith(_PARTIAL):
                if found.stat().st_mtime > time.time() - _PARTIAL_LIFETIME_S:
                    continue
            elif not {file.name for file in found.iterdir()} <= {*ALL_FILES, CHECKED}:
                continue  # not made by us
            shutil.rmtree(found, ignore_errors=True)


def _read_manifest(directory: Path, version: Version) -> Manifest:
    try:
        manifest = Manifest.from_json((directory / MANIFEST).read_bytes())
    except (SpaceError, OSError) as error:
        raise VersionRefused(str(error)) from error
    for name, said, published in (
        ("version", manifest.version, version.version),
        ("model", manifest.model, version.model),
        ("up_to_seq", manifest.up_to_seq, version.up_to_seq),
    ):
        if said != published:
            raise VersionRefused(f"its manifest says {name} {said}, the database says {published}")
    return manifest


def _opened(directory: Path, version: Version, model: Model) -> IndexVersion:
    _read_manifest(directory, version)
    try:
        opened = IndexVersion.open(directory)
    except SpaceError as error:
        raise VersionRefused(str(error)) from error
    if opened.projection.input_dimensions != model.dimensions:
        raise VersionRefused(
            f"it takes vectors of {opened.projection.input_dimensions} numbers, {model.model} gives {model.dimensions}"
        )
    return opened


def _settle(partial: Path, directory: Path) -> None:
    try:
        partial.rename(directory)
    except OSError as error:
        # Another process that shares the directory was faster; what is mapped stays readable without its name.
        log.info("index version %s is not kept on disk: %s", directory.name, error)
