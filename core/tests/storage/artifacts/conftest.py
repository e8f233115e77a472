from pathlib import Path
from typing import ClassVar, Literal

import pytest

from soundalike.storage.artifacts.manifest import VersionManifest, file_entries


class Notes(VersionManifest):
    FILES: ClassVar = ("first.txt", "second.txt")

    format: Literal[3] = 3
    author: str


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Notes]:
    """Return the folder and the manifest of a version."""
    for name in Notes.FILES:
        (tmp_path / name).write_text(f"this is the {name}")
    manifest = Notes(version="v1", author="me", files=file_entries(tmp_path, Notes.FILES))
    manifest.write(tmp_path)
    return tmp_path, manifest
