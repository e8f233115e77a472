"""Checking the files of a version against its manifest, once for as long as they do not change.

Reading gigabytes for their SHA-256 takes seconds at every start. So a record is left in a folder that was checked:
size, time of change and inode of every file. While these are the same, so is the content, unless somebody with access
to the disk forges them, who could as well replace the manifest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.atomic_files import atomic_write, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.storage.artifacts.manifest import VersionManifest

Manifest = TypeVar("Manifest", bound="VersionManifest")

VERIFICATION_RECORD: Final = "checked.json"
"""Name of the record; never published."""


def read_verified(kind: type[Manifest], directory: Path) -> Manifest:
    """Read the manifest in `directory` and check every file against it.

    Files that were checked before and have not changed since are not read again. Raises `InvalidManifest`, or
    `CorruptVersion` naming the file that is missing, cut short or altered.
    """
    manifest = kind.read(directory)
    verify(directory, manifest)
    return manifest


def verify(directory: Path, manifest: VersionManifest) -> None:
    """Raise `CorruptVersion` naming the file that is missing, cut short or altered; leave the record where none is."""
    stats = {name: _stat_of(directory / name, manifest) for name in manifest.all_files()}
    if _read_record(directory) == stats:
        return
    for name in manifest.FILES:
        _compare(directory / name, manifest)
    try:
        with atomic_write(directory / VERIFICATION_RECORD) as path:
            path.write_text(json.dumps(stats), encoding="utf-8")
    except OSError:
        return  # a folder that cannot be written to is checked at every start


def _stat_of(path: Path, manifest: VersionManifest) -> list[int]:
    try:
        status = path.stat()
    except OSError as error:
        raise CorruptVersion(f"{path.name} of version {manifest.version}: {error.strerror}") from error
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _read_record(directory: Path) -> object:
    try:
        return json.loads((directory / VERIFICATION_RECORD).read_bytes())
    except (OSError, ValueError):
        return None


def _compare(path: Path, manifest: VersionManifest) -> None:
    expected = manifest.files[path.name]
    try:
        size = path.stat().st_size
        if size != expected.bytes:
            raise CorruptVersion(
                f"{path.name} of version {manifest.version} has {size} bytes instead of {expected.bytes}; "
                "fetch the version again"
            )
        if sha256_of(path) != expected.sha256:
            raise CorruptVersion(
                f"{path.name} of version {manifest.version} was altered (SHA-256 differs); fetch the version again"
            )
    except OSError as error:
        raise CorruptVersion(f"{path.name} of version {manifest.version}: {error.strerror}") from error
