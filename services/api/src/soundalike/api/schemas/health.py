"""The JSON of health checks."""

from typing import Annotated

from pydantic import BaseModel, Field

from soundalike.api.schemas.recommendation import IndexInfo


class Health(BaseModel):
    """The process is alive."""

    status: Annotated[str, Field(examples=["alive"])] = "alive"


class Readiness(BaseModel):
    """The database answers and the index is loaded."""

    status: Annotated[str, Field(examples=["ready"])] = "ready"
    index: IndexInfo
