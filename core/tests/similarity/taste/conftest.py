from pathlib import Path

from soundalike.similarity.taste.version import TasteVersion
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of


def open_taste(directory: Path) -> TasteVersion:
    """Open a version whose manifest was published as it is now."""
    return TasteVersion.open(directory, sha256_of(directory / MANIFEST))
