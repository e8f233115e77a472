"""Published versions on the local disk: downloaded once, always verified, reused after a restart."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.api.errors import InvalidVersion
from soundalike.api.file_lock import directory_lock
from soundalike.errors import ObjectAltered, ObjectMissing, ObjectTooLarge, UnusableDirectory
from soundalike.similarity.index.errors import SearchIndexError
from soundalike.storage.artifacts.errors import ArtifactError
from soundalike.storage.artifacts.manifest import MANIFEST, MAX_MANIFEST_BYTES, VERSION_NAME
from soundalike.storage.artifacts.verification import read_manifest
from soundalike.storage.atomic_files import prefetch
from soundalike.storage.private_directories import check_private, private_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soundalike.storage.artifacts.manifest import VersionManifest
    from soundalike.storage.object_store import ObjectStore

    Load = Callable[[Path, str], "T"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_PARTIAL: Final = ".partial-"
# Earlier releases left it beside the files, so that they were not verified again.
_FORMER_RECORD: Final = "checked.json"
# A download of another process that shares the directory is complete by then, or dead.
_PARTIAL_LIFETIME_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class PublishedArtifact:
    """A version as the database describes it; `manifest_fields` are what its manifest must hold beside the name.

    `manifest_sha256` is None for a version from before digests were recorded, which is not opened.
    """

    version: str
    location: str
    manifest_sha256: str | None
    manifest_fields: Mapping[str, object] = field(default_factory=dict)

    def validated_digest(self) -> str:
        """Return the digest of the manifest; raises `InvalidVersion` for none and for an unsafe name."""
        if not re.fullmatch(VERSION_NAME, self.version):
            raise InvalidVersion(f"{self.version!r} cannot be the name of a version")
        if self.manifest_sha256 is None:
            raise InvalidVersion("the database has no digest of it: run the provisioning again")
        return self.manifest_sha256


class ArtifactCache:
    """A directory with one folder per version, all of one `kind`, called `name` in logs."""

    def __init__(self, directory: Path, store: ObjectStore, kind: type[VersionManifest], name: str) -> None:
        self._directory = directory
        self._store = store
        self._kind = kind
        self._name = name

    async def open(self, artifact: PublishedArtifact, load: Load[T]) -> T:
        """Return what `load` makes of the folder of a version, downloaded unless an intact copy is here.

        `load` gets the folder and the digest of the manifest, verifies the files by it and raises `ArtifactError`,
        `SearchIndexError` or `InvalidVersion`. Raises `InvalidVersion` when what the bucket holds is not the version
        that was published, and `errors.StoreUnavailable` when the bucket does not answer.
        """
        artifact.validated_digest()
        try:
            await asyncio.to_thread(private_directory, self._directory)
        except UnusableDirectory as error:
            raise InvalidVersion(str(error)) from error
        directory = self._directory / artifact.version
        if (opened := await self._open_local(artifact, load, directory)) is not None:
            return opened
        # One process downloads and all map the same file: its pages are in memory once.
        async with directory_lock(self._directory):
            opened = await self._open_local(artifact, load, directory)
            return opened if opened is not None else await self._download(artifact, load, directory)

    async def keep_only(self, version: str | None) -> None:
        """Remove the versions that are no longer answered from; what is still mapped stays readable (POSIX unlink).

        What else lies in the directory is left alone.
        """
        await asyncio.to_thread(self._remove_others, version)

    async def _open_local(self, artifact: PublishedArtifact, load: Load[T], directory: Path) -> T | None:
        if not await asyncio.to_thread((directory / MANIFEST).exists):
            return None
        try:
            opened = await asyncio.to_thread(self._load, directory, artifact, load)
        except InvalidVersion as error:
            log.warning("downloading %s %s again, the local copy is invalid: %s", self._name, artifact.version, error)
            await asyncio.to_thread(_remove, directory)
            return None
        await asyncio.to_thread(prefetch, [directory / name for name in self._kind.FILES])
        return opened

    async def _download(self, artifact: PublishedArtifact, load: Load[T], directory: Path) -> T:
        partial = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_PARTIAL, dir=self._directory))
        try:
            # The manifest first: a version that is not what its row says is refused before the large files come.
            await self._fetch(artifact, MANIFEST, partial, MAX_MANIFEST_BYTES)
            manifest = await asyncio.to_thread(self._read_manifest, partial, artifact)
            for name in self._kind.FILES:
                await self._fetch(artifact, name, partial, manifest.files[name].bytes)
            opened = await asyncio.to_thread(self._load, partial, artifact, load)
            await asyncio.to_thread(self._move_into_place, partial, directory)
        except (ObjectMissing, ObjectTooLarge, ObjectAltered) as error:
            raise InvalidVersion(f"it is incomplete or altered: {error}") from error
        else:
            return opened
        finally:
            await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)

    async def _fetch(self, artifact: PublishedArtifact, name: str, partial: Path, max_bytes: int) -> None:
        await self._store.download(f"{artifact.location.rstrip('/')}/{name}", partial / name, max_bytes=max_bytes)

    def _read_manifest(self, directory: Path, artifact: PublishedArtifact) -> VersionManifest:
        try:
            manifest = self._kind.from_json(read_manifest(directory, artifact.validated_digest()))
        except ArtifactError as error:
            raise InvalidVersion(str(error)) from error
        for name, expected in {"version": artifact.version, **artifact.manifest_fields}.items():
            value = getattr(manifest, name)
            if value != expected:
                raise InvalidVersion(f"its manifest says {name} {value}, the database says {expected}")
        return manifest

    def _load(self, directory: Path, artifact: PublishedArtifact, load: Load[T]) -> T:
        try:
            check_private(directory)
            self._read_manifest(directory, artifact)
            return load(directory, artifact.validated_digest())
        except (ArtifactError, SearchIndexError, UnusableDirectory) as error:
            raise InvalidVersion(str(error)) from error

    def _move_into_place(self, partial: Path, directory: Path) -> None:
        try:
            partial.rename(directory)
        except OSError as error:
            # Another process that shares the directory was faster; what is mapped stays readable without its name.
            log.info("could not store %s %s on disk: %s", self._name, directory.name, error)

    def _remove_others(self, current: str | None) -> None:
        if not self._directory.is_dir():
            return
        for entry in self._directory.iterdir():
            if entry.name != current and self._is_removable(entry):
                shutil.rmtree(entry, ignore_errors=True)

    def _is_removable(self, entry: Path) -> bool:
        """Tell whether this is a version, or the remains of a failed download."""
        try:
            if entry.name.startswith(_PARTIAL):
                return entry.stat().st_mtime < time.time() - _PARTIAL_LIFETIME_S
            return {file.name for file in entry.iterdir()} <= {*self._kind.all_files(), _FORMER_RECORD}
        except OSError:
            return False  # a file, or gone: another process that shares the directory was faster


def _remove(path: Path) -> None:
    """Remove a folder with what is in it; of a link, the link alone."""
    if path.is_symlink():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
