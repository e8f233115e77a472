"""Asking the API of the running platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import httpx
from pydantic import BaseModel, Field, ValidationError

from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE_S = 30


class NoRecommendation(StandaloneError):
    """The API answered with an error, or not at all; the message is its own."""


class Named(BaseModel):
    """A track as it is shown."""

    urn: str
    title: str
    artists: list[str]
    link: str | None = None
    tags: list[str] = []

    def shown(self) -> str:
        """Write title, artists and link in a line."""
        return "  ".join(
            part
            for part in (" \N{EN DASH} ".join(filter(None, (self.title, ", ".join(self.artists)))), self.link)
            if part
        )


class Ranked(Named):
    """One answer; `score` is 0 to 1, `shared_tags` are those that the query has too."""

    rank: int
    score: float
    shared_tags: list[str] = []


class Answers(BaseModel):
    """What sounds like the query, best first."""

    query: Named
    results: list[Ranked]


class _Problem(BaseModel):
    detail: Annotated[str, Field(min_length=1)]


def recommend(api_url: str, track: str, n: int, *, tags: Sequence[str] = (), not_tags: Sequence[str] = ()) -> Answers:
    """Ask for the `n` tracks that sound like `track` and hold all of `tags` and none of `not_tags`.

    Raises `NoRecommendation`.
    """
    question = {"track": track, "n": str(n), "tag": list(tags), "not_tag": list(not_tags)}
    try:
        with httpx.Client(base_url=api_url, trust_env=False, timeout=_PATIENCE_S) as client:
            response = client.get("/recommend", params=question)
    except httpx.HTTPError as error:
        raise NoRecommendation(f"The API at {api_url} does not answer: {error}") from error
    try:
        if response.is_success:
            return Answers.model_validate_json(response.content)
        message = _Problem.model_validate_json(response.content).detail
    except ValidationError as error:
        raise NoRecommendation(f"{response.url} answered {response.status_code}, in an unknown form.") from error
    raise NoRecommendation(message)


def render(answers: Answers) -> str:
    """Write one line an answer, with the tags that it shares with the query."""
    lines = [f"{a.rank:>3}  {a.score:.3f}  {a.shown()}{_listed(a.shared_tags)}" for a in answers.results]
    return "\n".join([f"sounds like {answers.query.shown()}{_listed(answers.query.tags)}", *lines])


def _listed(tags: Sequence[str]) -> str:
    return f"  ({', '.join(tags)})" if tags else ""
