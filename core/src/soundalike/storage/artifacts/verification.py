"""The files of a version, opened once and compared with its manifest, which is compared with the catalogue.

The digest of the manifest stands in the version's row, so whoever can write the bucket or the disk, but not the
database, cannot exchange a version. Every file is opened before it is read, and what is mapped afterwards is that same
file, whatever has got its name meanwhile. Against changes in the file itself its folder is closed to other users
(`storage.private_directories`).
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import file_digest, sha256
from io import FileIO
from typing import TYPE_CHECKING, BinaryIO, Generic, Self, TypeVar

from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.artifacts.manifest import MANIFEST, MAX_MANIFEST_BYTES, VersionManifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

M = TypeVar("M", bound=VersionManifest)


@dataclass(frozen=True, slots=True, eq=False)
class VersionFiles(Generic[M]):
    """The files of a version by their names, open for reading and verified, and its manifest; to be closed."""

    manifest: M
    files: Mapping[str, FileIO]

    @classmethod
    def open(cls, directory: Path, kind: type[M], manifest_sha256: str) -> Self:
        """Open the version in `directory` whose manifest has this SHA-256 (hex), and read every file of it once.

        Raises `InvalidManifest`, or `CorruptVersion` naming the file that is missing, cut short, altered, or none.
        """
        manifest = kind.from_json(read_manifest(directory, manifest_sha256))
        with ExitStack() as stack:
            files = {}
            for name in manifest.FILES:
                files[name] = stack.enter_context(_open(directory / name))
                _compare(name, files[name], manifest)
            stack.pop_all()
        return cls(manifest, files)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self.files.values():
            file.close()


def read_manifest(directory: Path, manifest_sha256: str) -> bytes:
    """Read the manifest.json of a folder; raises `CorruptVersion` where there is none, or one of another SHA-256."""
    with _open(directory / MANIFEST) as file:
        content = file.read(MAX_MANIFEST_BYTES + 1)
    check_digest(content, manifest_sha256)
    return content


def check_digest(manifest: bytes, manifest_sha256: str | None) -> None:
    """Raise `CorruptVersion` unless the text of a manifest is the one that was recorded in the catalogue."""
    if manifest_sha256 is None:
        raise CorruptVersion("the database has no digest of the version: run the provisioning again")
    if sha256(manifest).hexdigest() != manifest_sha256:
        raise CorruptVersion(f"{MANIFEST} is not the one that was published (SHA-256 differs from the database)")


def path_of(file: BinaryIO) -> str:
    """Return a path by which a library can open the same file again, whatever has got its name meanwhile."""
    return f"/dev/fd/{file.fileno()}"


def _open(path: Path) -> FileIO:
    # Without O_NONBLOCK a named pipe would keep this process waiting for ever.
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = FileIO(str(path), opener=lambda name, mode: os.open(name, mode | flags))
    except OSError as error:
        raise CorruptVersion(f"{path.parent} is not a whole version: {path.name}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise CorruptVersion(f"{path.name} in {path.parent} is not a file")
    return file


def _compare(name: str, file: FileIO, manifest: VersionManifest) -> None:
    expected = manifest.files[name]
    try:
        size = os.fstat(file.fileno()).st_size
        if size != expected.bytes:
            raise CorruptVersion(
                f"{name} of version {manifest.version} has {size} bytes instead of {expected.bytes}; "
                "fetch the version again"
            )
        if file_digest(file, "sha256").hexdigest() != expected.sha256:
            raise CorruptVersion(
                f"{name} of version {manifest.version} was altered (SHA-256 differs); fetch the version again"
            )
        file.seek(0)
    except OSError as error:
        raise CorruptVersion(f"{name} of version {manifest.version}: {error.strerror}") from error
