"""Asking the API of the running platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

from soundalike.local.errors import StandaloneError

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
    """One answer; `score` is 0 to 1, `why` says what it has in common with the track asked about.

    `scores` is what each signal says alone, by its name.
    """

    rank: int
    score: float
    why: str = ""
    scores: dict[str, float] = {}


class Playlist(BaseModel):
    """A playlist as it is shown."""

    urn: str
    title: str


class User(BaseModel):
    """The account that suggestions are for."""

    urn: str
    favorites: int


class Taste(BaseModel):
    """What was known of who favourites what."""

    version: str


class Answers(BaseModel):
    """What goes with the seeds, the playlist or the user, best first; `taste` is there where it was asked for."""

    seeds: list[Named]
    playlist: Playlist | None = None
    user: User | None = None
    taste: Taste | None = None
    results: list[Ranked]


class _Problem(BaseModel):
    detail: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: tracks, or a playlist, and the parameters of `GET /recommend` that are said, `user` among them."""

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
    """Write two lines an answer: what it is, and why it is one; where taste was asked for, what each signal says."""
    with_signals = answers.taste is not None
    lines = [line for each in answers.results for line in _answer(each, with_signals)]
    return "\n".join([*_asked(answers), *(lines or ["  nothing that is ready passes what was asked for"])])


def _asked(answers: Answers) -> list[str]:
    if answers.user:
        return [f"for {answers.user.urn}  ({answers.user.favorites} favourites)"]
    if answers.playlist:
        return [f"fits {answers.playlist.title or answers.playlist.urn}"]
    relation = "sounds like" if answers.taste is None else "goes with"
    return [f"{relation} {seed.shown()}{_listed(seed.tags)}" for seed in answers.seeds]


def _answer(answer: Ranked, with_signals: bool) -> list[str]:
    signals = [f"{signal} {score:.3f}" for signal, score in answer.scores.items()] if with_signals else []
    below = f"{answer.why}{_listed(signals)}".strip()
    return [f"{answer.rank:>3}  {answer.score:.3f}  {answer.shown()}", *([f"{'':12}{below}"] if below else [])]


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
