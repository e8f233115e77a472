"""The manifest of an index version: everything a reader must know before it maps the files."""

import json
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from space.engine import EngineName
from space.errors import InvalidManifest
from space.files import DATA_FILES

FORMAT: Final = 2
"""Format 1 had its rows in the order of writing, and Annoy over all dimensions."""

_Version = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,199}$")]
_Model = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._:+@=-]{0,199}$")]


class FileEntry(BaseModel):
    """Size in bytes and SHA-256 (hex) of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What one immutable version holds, how it was built and how well it finds.

    `dimensions` is the length of a projected vector, of which the engine sees the first `search_dimensions`; `count`
    the number of vectors, `up_to_seq` the newest write that is in it, `effort` what a search may cost
    (`space.engine.Engine`), `recall_at_10` the share of the true ten nearest found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[2] = FORMAT
    version: _Version
    model: _Model
    dimensions: Annotated[int, Field(gt=0, le=65_536)]
    search_dimensions: Annotated[int, Field(gt=0, le=65_536)]
    metric: Literal["angular"] = "angular"
    count: Annotated[int, Field(gt=0)]
    engine: EngineName
    engine_version: str
    parameters: dict[str, int]
    effort: Annotated[int, Field(gt=0)]
    seed: Annotated[int, Field(ge=0)]
    up_to_seq: Annotated[int, Field(ge=0)]
    recall_at_10: Annotated[float, Field(ge=0.0, le=1.0)]
    built_at: AwareDatetime
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if set(self.files) != set(DATA_FILES):
            raise ValueError(f"files must be {sorted(DATA_FILES)}, not {sorted(self.files)}")
        if self.search_dimensions > self.dimensions:
            raise ValueError(f"search_dimensions {self.search_dimensions} exceed dimensions {self.dimensions}")
        return self

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the text of a manifest.json; raises `InvalidManifest` naming the field that is wrong."""
        try:
            known = json.loads(text)
        except ValueError as error:
            raise InvalidManifest(f"manifest.json is not JSON: {error}") from error
        if not isinstance(known, dict):
            raise InvalidManifest("manifest.json is not a JSON object")
        if known.get("format") != FORMAT:
            raise InvalidManifest(
                f"manifest.json has format {known.get('format')!r}, this program reads {FORMAT}; "
                "update the program, or let the indexer build a new version"
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'manifest'}: {e['msg']}" for e in error.errors())
            raise InvalidManifest(f"manifest.json is not valid: {reasons}") from error
