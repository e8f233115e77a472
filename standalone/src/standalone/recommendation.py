"""Asking the API of the running platform."""

from __future__ import annotations

from typing import Annotated

import httpx
from pydantic import BaseModel, Field, ValidationError

from standalone.errors import StandaloneError

_PATIENCE_S = 30


class NoRecommendation(StandaloneError):
    """The API answered with an error, or not at all; the message is its own."""


class Named(BaseModel):
    """A track as it is shown."""

    urn: str
    title: str
    artists: list[str]
    link: str | None = None

    def shown(self) -> str:
        """Write title, artists and link in a line."""
        return "  ".join(
            part
            for part in (" \N{EN DASH} ".join(filter(None, (self.title, ", ".join(self.artists)))), self.link)
            if part
        )


class Ranked(Named):
    """One answer; `score` is 0 to 1."""

    rank: int
    score: float


class Answers(BaseModel):
    """What sounds like the query, best first."""

    query: Named
    results: list[Ranked]


class _Problem(BaseModel):
    detail: Annotated[str, Field(min_length=1)]


def recommend(api_url: str, track: str, n: int) -> Answers:
    """Ask for the `n` tracks that sound like `track`; raises `NoRecommendation`."""
    try:
        with httpx.Client(base_url=api_url, trust_env=False, timeout=_PATIENCE_S) as client:
            response = client.get("/recommend", params={"track": track, "n": n})
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
    """Write one line an answer."""
    lines = [f"{a.rank:>3}  {a.score:.3f}  {a.shown()}" for a in answers.results]
    return "\n".join([f"sounds like {answers.query.shown()}", *lines])
