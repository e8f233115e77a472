"""What the manifests of all versions have in common: a format, a name, and the files with their checksums."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from soundalike.storage.artifacts.errors import InvalidManifest
from soundalike.storage.atomic_files import atomic_write, sha256_of

MANIFEST: Final = "manifest.json"
"""Written after the files it lists: a folder without one is not a version."""

MAX_MANIFEST_BYTES: Final = 100_000
"""No manifest is nearly as long."""

VERSION_NAME: Final = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,199}$"
"""What can be a folder, and nothing beyond it."""


class FileEntry(BaseModel):
    """Size in bytes and SHA-256 (hex) of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bytes: Annotated[int, Field(gt=0, lt=2**63)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def file_entries(directory: Path, names: Iterable[str]) -> dict[str, FileEntry]:
    """Return the entries of a manifest for these files as they are now; raises OSError."""
    return {
        name: FileEntry(bytes=(directory / name).stat().st_size, sha256=sha256_of(directory / name)) for name in names
    }


Count = Annotated[int, Field(gt=0, le=2**31 - 1)]
"""A number of rows; the engines number them with 32 bits."""


class VersionManifest(BaseModel):
    """The fields of every manifest.

    A kind of version adds fields of its own, names the `FILES` it lists, and narrows `format` to the one it
    reads, with that as the default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    FILES: ClassVar[tuple[str, ...]]

    format: int
    version: Annotated[str, Field(pattern=VERSION_NAME)]
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _lists_its_files(self) -> Self:
        if set(self.files) != set(self.FILES):
            raise ValueError(f"files must be {sorted(self.FILES)}, not {sorted(self.files)}")
        return self

    @classmethod
    def all_files(cls) -> tuple[str, ...]:
        """Return the names of all files in the order in which they are written and published, the manifest last."""
        return (*cls.FILES, MANIFEST)

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        content = self.model_dump(mode="json")
        # The longest comes last, for those who read it.
        content["files"] = content.pop("files")
        return json.dumps(content, indent=2) + "\n"

    def write(self, directory: Path) -> None:
        """Write manifest.json, with which the folder becomes a version; raises OSError."""
        with atomic_write(directory / MANIFEST) as path:
            path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the text of a manifest.json; raises `InvalidManifest` naming the field that is wrong."""
        if len(text) > MAX_MANIFEST_BYTES:
            raise InvalidManifest(f"{MANIFEST} is longer than {MAX_MANIFEST_BYTES} bytes")
        try:
            # Not the standard library's, which raises RecursionError for brackets nested deeply.
            content = from_json(text)
        except ValueError as error:
            raise InvalidManifest(f"{MANIFEST} is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise InvalidManifest(f"{MANIFEST} is not a JSON object")
        readable = cls.model_fields["format"].default
        if content.get("format") != readable:
            raise InvalidManifest(
                f"{MANIFEST} has format {content.get('format')!r:.50}, this program reads format {readable}; "
                "update the program, or let the indexer build a new version"
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'manifest'}: {e['msg']}" for e in error.errors())
            raise InvalidManifest(f"{MANIFEST} is not valid: {reasons:.1000}") from error
