"""The JSON of health checks."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from soundalike.api.schemas.recommendation import IndexInfo


class Health(BaseModel):
    """The process is alive."""

    status: Annotated[str, Field(examples=["alive"])] = "alive"


class Readiness(BaseModel):
    """Requests are answered: the database answers and an index is loaded."""

    status: Annotated[
        Literal["ready", "degraded"],
        Field(description="`degraded` where something is missing though requests are answered", examples=["ready"]),
    ] = "ready"
    index: IndexInfo
    missing: Annotated[
        dict[str, str],
        Field(
            description="What is missing, such as `store`, `bucket`, `queue`, `dead_letter_queue`, `notification`, "
            "`index` or `taste`, with a clause about each"
        ),
    ] = {}
