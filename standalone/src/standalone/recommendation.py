"""Asking the API of the running platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """One answer; `score` is 0 to 1, `why` says what it has in common with the track asked about."""

    rank: int
    score: float
    why: str = ""


class Playlist(BaseModel):
    """A playlist as it is shown."""

    urn: str
    title: str


class Answers(BaseModel):
    """What sounds like the seeds, best first."""

    seeds: list[Named]
    playlist: Playlist | None = None
    results: list[Ranked]


class _Problem(BaseModel):
    detail: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: tracks, or a playlist, and the parameters of `GET /recommend` that are not to be the usual."""

    tracks: Sequence[str] = ()
    playlist: str | None = None
    wishes: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The address to ask at."""
        if self.playlist is None:
            return "/recommend"
        return f"/playlists/{quote(self.playlist, safe='')}/recommend"

    @property
    def parameters(self) -> dict[str, str | Sequence[str]]:
        """The query."""
        return {**({"track": list(self.tracks)} if self.tracks else {}), **self.wishes}


def recommend(api_url: str, question: Question) -> Answers:
    """Ask; raises `NoRecommendation`."""
    response = _get(api_url, question)
    try:
        return Answers.model_validate_json(response.content)
    except ValidationError as error:
        raise _unknown_form(response) from error


def recommend_as_text(api_url: str, question: Question) -> str:
    """Ask for another form than the usual one and return it as it comes; raises `NoRecommendation`."""
    return _get(api_url, question).text


def render(answers: Answers) -> str:
    """Write two lines an answer: what it is, and why it is one."""
    lines = [
        f"{a.rank:>3}  {a.score:.3f}  {a.shown()}" + (f"\n            {a.why}" if a.why else "")
        for a in answers.results
    ]
    return "\n".join([*_asked(answers), *lines])


def _asked(answers: Answers) -> list[str]:
    if answers.playlist:
        return [f"fits {answers.playlist.title or answers.playlist.urn}"]
    return [f"sounds like {seed.shown()}{_listed(seed.tags)}" for seed in answers.seeds]


def _get(api_url: str, question: Question) -> httpx.Response:
    try:
        with httpx.Client(base_url=api_url, trust_env=False, timeout=_PATIENCE_S) as client:
            response = client.get(question.path, params=question.parameters)
    except httpx.HTTPError as error:
        raise NoRecommendation(f"The API at {api_url} does not answer: {error}") from error
    if response.is_success:
        return response
    try:
        message = _Problem.model_validate_json(response.content).detail
    except ValidationError as error:
        raise _unknown_form(response) from error
    raise NoRecommendation(message)


def _unknown_form(response: httpx.Response) -> NoRecommendation:
    return NoRecommendation(f"{response.url} answered {response.status_code}, in an unknown form.")


def _listed(tags: Sequence[str]) -> str:
    return f"  ({', '.join(tags)})" if tags else ""
