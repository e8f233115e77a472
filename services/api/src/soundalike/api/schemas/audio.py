"""The JSON of links to sound."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field


class AudioLink(BaseModel):
    """Where the sound of a track can be heard, for a while."""

    url: Annotated[
        str,
        Field(
            description="Relative to the root of the API. With `format=opus` added the file is transcoded also where "
            "`media_type` says that it comes as it is; `start=<seconds>` begins later in what is transcoded",
            examples=["audio/file:track:4f6f…?expires=1790000000&key=1f0a2b3c&signature=9d…"],
        ),
    ]
    expires_at: Annotated[datetime, Field(description="When the link ends; ask for another one then")]
    media_type: Annotated[str, Field(description="What comes: the file's own type, or Opus", examples=["audio/flac"])]
    seekable: Annotated[
        bool, Field(description="Whether parts can be asked for (`Range`); else `start` is the way to a later place")
    ]
    duration_ms: Annotated[int | None, Field(description="Length in milliseconds", examples=[224693])]
