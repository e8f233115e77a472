"""The manifest of a taste version, and the names of its files."""

import json
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from space.manifest import FileEntry
from taste.errors import InvalidTaste

FORMAT: Final = 1

MANIFEST: Final = "manifest.json"
URNS: Final = "urns.npy"
"""Fixed-width bytes [n], UTF-8, ascending: the tracks."""
STARTS: Final = "starts.npy"
"""int64 [n + 1]: the neighbours of track i lie from `starts[i]` up to `starts[i + 1]`, the most similar first."""
NEIGHBOURS: Final = "neighbours.npy"
"""int32 [m]: numbers of tracks."""
SIMILARITIES: Final = "similarities.npy"
"""float32 [m], above zero."""

DATA_FILES: Final = (URNS, STARTS, NEIGHBOURS, SIMILARITIES)
ALL_FILES: Final = (*DATA_FILES, MANIFEST)
"""In the order in which they are written and published: the manifest vouches for the others, so it comes last."""

Method = Literal["cosine", "tfidf", "bm25"]


class TasteManifest(BaseModel):
    """What one immutable version holds.

    `favorites` were known when it was built, of `users` accounts; `tracks` have neighbours or are one, `pairs` of
    them are kept. `background` is the mean similarity of two of the tracks, whichever.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = FORMAT
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,199}$")]
    method: Method
    favorites: Annotated[int, Field(gt=0)]
    users: Annotated[int, Field(gt=0)]
    tracks: Annotated[int, Field(gt=0)]
    pairs: Annotated[int, Field(gt=0)]
    background: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    built_at: AwareDatetime
    files: dict[str, FileEntry]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if set(self.files) != set(DATA_FILES):
            raise ValueError(f"files must be {sorted(DATA_FILES)}, not {sorted(self.files)}")
        return self

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the text of a manifest.json; raises `InvalidTaste` naming the field that is wrong."""
        try:
            known = json.loads(text)
        except ValueError as error:
            raise InvalidTaste(f"manifest.json is not JSON: {error}") from error
        if not isinstance(known, dict) or known.get("format") != FORMAT:
            said = known.get("format") if isinstance(known, dict) else None
            raise InvalidTaste(
                f"manifest.json has format {said!r}, this program reads {FORMAT}; update the program, or build anew"
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'manifest'}: {e['msg']}" for e in error.errors())
            raise InvalidTaste(f"manifest.json is not valid: {reasons}") from error
