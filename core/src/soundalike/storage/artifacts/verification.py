"""Checking the files of a version against its manifest, once for as long as they do not change.

Reading gigabytes for their SHA-256 takes seconds at every start. So whoever has checked a folder leaves a note in it:
size, time of change and inode of every file. While these are the same, so is the content, unless somebody with access
to the disk forges them, who could as well exchange the manifest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.atomic_files import atomic_write, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.storage.artifacts.manifest import VersionManifest

CHECKED: Final = "checked.json"
"""The note; never published."""


def verify(directory: Path, manifest: VersionManifest) -> None:
    """Raise `CorruptVersion` naming the file that is missing, cut short or altered; leave the note where none is."""
    signs = {name: _signs(directory / name, manifest) for name in manifest.all_files()}
    if _noted(directory) == signs:
        return
    for name in manifest.FILES:
        _compare(directory / name, manifest)
    try:
        with atomic_write(directory / CHECKED) as path:
            path.write_text(json.dumps(signs), encoding="utf-8")
    except OSError:
        return  # a folder that cannot be written to is checked at every start


def _signs(path: Path, manifest: VersionManifest) -> list[int]:
    try:
        found = path.stat()
    except OSError as error:
        raise CorruptVersion(f"{path.name} of version {manifest.version}: {error.strerror}") from error
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _noted(directory: Path) -> object:
    try:
        return json.loads((directory / CHECKED).read_bytes())
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
