"""The manifest of a taste version, and the names of its files."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime, Field

from soundalike.storage.artifacts.manifest import Count, VersionManifest

FORMAT: Final = 1

URNS: Final = "urns.npy"
"""Fixed-width bytes [n], UTF-8, ascending: the tracks."""
STARTS: Final = "starts.npy"
"""int64 [n + 1]: the neighbours of track i lie from `starts[i]` up to `starts[i + 1]`, the most similar first."""
NEIGHBOURS: Final = "neighbours.npy"
"""int32 [m]: numbers of tracks."""
SIMILARITIES: Final = "similarities.npy"
"""float32 [m], above zero."""

DATA_FILES: Final = (URNS, STARTS, NEIGHBOURS, SIMILARITIES)

Method = Literal["cosine", "tfidf", "bm25"]


class TasteManifest(VersionManifest):
    """What one immutable version holds.

    `favorites` were known when it was built, of `users` accounts; `tracks` have neighbours or are one, `pairs` of
    them are stored. `background` is the mean similarity of any two of the tracks.
    """

    FILES: ClassVar = DATA_FILES

    format: Literal[1] = FORMAT
    method: Method
    favorites: Annotated[int, Field(gt=0, lt=2**63)]
    users: Count
    tracks: Count
    pairs: Annotated[int, Field(gt=0, lt=2**63)]
    # A similarity is divided by it.
    background: Annotated[float, Field(ge=1e-15, allow_inf_nan=False)]
    built_at: AwareDatetime
