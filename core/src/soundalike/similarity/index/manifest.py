"""The manifest of an index version: everything a reader must know before it maps the files."""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from soundalike.similarity.index.engine import MAX_EFFORT, PARAMETERS, EngineName
from soundalike.similarity.index.files import DATA_FILES
from soundalike.storage.artifacts.manifest import Count, VersionManifest

FORMAT: Final = 2
"""Format 1 had its rows in the order of writing, and Annoy over all dimensions."""

_MAX_PARAMETER: Final = 1_000_000

_Model = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._:+@=-]{0,199}$")]


class Manifest(VersionManifest):
    """What one immutable version holds, how it was built, and its recall.

    `dimensions` is the length of a projected vector, of which the engine gets the first `search_dimensions`; `count`
    the number of vectors, `up_to_seq` the newest write that is in it, `effort` what a search may cost
    (`similarity.index.engine.Engine`), `recall_at_10` the share of the true ten nearest found.
    """

    FILES: ClassVar = DATA_FILES

    format: Literal[2] = FORMAT
    model: _Model
    dimensions: Annotated[int, Field(gt=0, le=65_536)]
    search_dimensions: Annotated[int, Field(gt=0, le=65_536)]
    metric: Literal["angular"] = "angular"
    count: Count
    engine: EngineName
    engine_version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+!_-]{1,100}$")]
    parameters: Annotated[dict[str, Annotated[int, Field(gt=0, le=_MAX_PARAMETER)]], Field(max_length=10)]
    effort: Annotated[int, Field(gt=0, le=MAX_EFFORT)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    up_to_seq: Annotated[int, Field(ge=0, lt=2**63)]
    recall_at_10: Annotated[float, Field(ge=0.0, le=1.0)]
    built_at: AwareDatetime

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.search_dimensions > self.dimensions:
            raise ValueError(f"search_dimensions {self.search_dimensions} exceed dimensions {self.dimensions}")
        if self.parameters.keys() != PARAMETERS[self.engine]:
            raise ValueError(f"parameters of {self.engine} must be {sorted(PARAMETERS[self.engine])}")
        return self
