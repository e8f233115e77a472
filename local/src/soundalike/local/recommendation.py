"""Asking the API of the running platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

from soundalike.local.errors import LocalPlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TIMEOUT_S = 30


class RecommendationError(LocalPlatformError):
    """The API answered with an error, or not at all; the message is its own."""


class TrackSummary(BaseModel):
    """A track as it is shown."""

    urn: str
    title: str
    artists: list[str]
    link: str | None = None
    tags: list[str] = []

    def label(self) -> str:
        """Write title, artists and link in a line."""
        return "  ".join(
            part
            for part in (" \N{EN DASH} ".join(filter(None, (self.title, ", ".join(self.artists)))), self.link)
            if part
        )


class Recommendation(TrackSummary):
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


class TasteVersion(BaseModel):
    """What was known of who favourites what."""

    version: str


class RecommendationResponse(BaseModel):
    """What goes with the seeds, the playlist or the user, best first; `taste` is there where it was asked for."""

    seeds: list[TrackSummary]
    playlist: Playlist | None = None
    user: User | None = None
    taste: TasteVersion | None = None
    results: list[Recommendation]


class _Problem(BaseModel):
    detail: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class RecommendationRequest:
    """What is asked: tracks, or a playlist, and the parameters of `GET /recommend` that are said, `user` among them."""

    tracks: Sequence[str] = ()
    playlist: str | None = None
    parameters: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The address to ask at."""
        if self.playlist is None:
            return "/recommend"
        return f"/playlists/{quote(self.playlist, safe='')}/recommend"

    @property
    def query(self) -> dict[str, str | Sequence[str]]:
        """The query."""
        return {**({"track": list(self.tracks)} if self.tracks else {}), **self.parameters}


def recommend(api_url: str, request: RecommendationRequest) -> RecommendationResponse:
    """Ask; raises `RecommendationError`."""
    response = _get(api_url, request)
    try:
        return RecommendationResponse.model_validate_json(response.content)
    except ValidationError as error:
        raise _unexpected_response(response) from error


def recommend_as_text(api_url: str, request: RecommendationRequest) -> str:
    """Ask for another form than the usual one and return it as it comes; raises `RecommendationError`."""
    return _get(api_url, request).text


def render(response: RecommendationResponse) -> str:
    """Write two lines an answer: what it is, and why it is one; where taste was asked for, what each signal says."""
    with_signals = response.taste is not None
    lines = [line for each in response.results for line in _result_lines(each, with_signals)]
    return "\n".join([*_heading(response), *(lines or ["  nothing that is ready passes what was asked for"])])


def _heading(response: RecommendationResponse) -> list[str]:
    if response.user:
        return [f"for {response.user.urn}  ({response.user.favorites} favourites)"]
    if response.playlist:
        return [f"fits {response.playlist.title or response.playlist.urn}"]
    relation = "sounds like" if response.taste is None else "goes with"
    return [f"{relation} {seed.label()}{_in_parentheses(seed.tags)}" for seed in response.seeds]


def _result_lines(recommendation: Recommendation, with_signals: bool) -> list[str]:
    signals = [f"{signal} {score:.3f}" for signal, score in recommendation.scores.items()] if with_signals else []
    below = f"{recommendation.why}{_in_parentheses(signals)}".strip()
    return [
        f"{recommendation.rank:>3}  {recommendation.score:.3f}  {recommendation.label()}",
        *([f"{'':12}{below}"] if below else []),
    ]


def _get(api_url: str, request: RecommendationRequest) -> httpx.Response:
    try:
        with httpx.Client(base_url=api_url, trust_env=False, timeout=_TIMEOUT_S) as client:
            response = client.get(request.path, params=request.query)
    except httpx.HTTPError as error:
        raise RecommendationError(f"The API at {api_url} does not answer: {error}") from error
    if response.is_success:
        return response
    try:
        message = _Problem.model_validate_json(response.content).detail
    except ValidationError as error:
        raise _unexpected_response(response) from error
    raise RecommendationError(message)


def _unexpected_response(response: httpx.Response) -> RecommendationError:
    return RecommendationError(f"{response.url} answered {response.status_code}, in an unknown form.")


def _in_parentheses(tags: Sequence[str]) -> str:
    return f"  ({', '.join(tags)})" if tags else ""
