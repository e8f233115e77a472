"""The JSON of accounts with similar taste."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from soundalike.db.similar_users import UserSimilarity


class SimilarUser(BaseModel):
    """An account with similar taste; nothing else is stored about people."""

    urn: Annotated[str, Field(examples=["soundcloud:users:3000000421"])]
    shared: Annotated[int, Field(ge=1, description="How many favourites the two share", examples=[12])]
    score: Annotated[
        float, Field(ge=0, le=1, description="Shared favourites / sqrt(favourites * favourites)", examples=[0.2941])
    ]


class SimilarUsers(BaseModel):
    """The accounts that share most favourites, best first."""

    user: Annotated[str, Field(examples=["soundcloud:users:3000000001"])]
    results: list[SimilarUser]

    @classmethod
    def of(cls, urn: str, similarities: Sequence[UserSimilarity]) -> "SimilarUsers":
        """Show the accounts."""
        return cls(
            user=urn,
            results=[
                SimilarUser(urn=each.urn, shared=each.shared, score=round(each.score, 6)) for each in similarities
            ],
        )
