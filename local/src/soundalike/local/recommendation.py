"""Recommendations of the running platform, by its API."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import BaseModel

from soundalike.domain.file_paths import is_windows_path
from soundalike.domain.playlist_id import list_urn
from soundalike.domain.text import escape
from soundalike.local.api_client import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from soundalike.local.api_client import ApiClient


class TrackSummary(BaseModel):
    """A track as the API shows it."""

    urn: str
    title: str
    artists: list[str]
    link: str | None = None
    tags: list[str] = []

    def label(self) -> str:
        """Return title, artists and link in one line."""
        return "  ".join(
            part
            for part in (" \N{EN DASH} ".join(filter(None, (self.title, ", ".join(self.artists)))), self.link)
            if part
        )


class Recommendation(TrackSummary):
    """One result; `score` is 0 to 1, `why` says what it has in common with the query.

    `scores` are those of each signal (sound, taste) by itself.
    """

    rank: int
    score: float
    why: str = ""
    scores: dict[str, float] = {}


class Playlist(BaseModel):
    """A playlist as the API shows it."""

    urn: str
    title: str


class User(BaseModel):
    """The SoundCloud user for whom the recommendations are."""

    urn: str
    favorites: int


class TasteVersion(BaseModel):
    """The version of taste that was used."""

    version: str


class RecommendationResponse(BaseModel):
    """Recommendations for tracks, a playlist or a user, best first; `taste` is set where it was used.

    `shortage` says why there are fewer than requested.
    """

    seeds: list[TrackSummary]
    not_like: list[TrackSummary] = []
    playlist: Playlist | None = None
    user: User | None = None
    taste: TasteVersion | None = None
    shortage: str | None = None
    results: list[Recommendation]


@dataclass(frozen=True, slots=True)
class RecommendationRequest:
    """A query: tracks, a playlist, or the content of an audio file, and further parameters, `user` among them."""

    tracks: Sequence[str] = ()
    playlist: str | None = None
    recording: bytes | None = None
    parameters: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the route."""
        if self.playlist is None:
            return "/recommend"
        return f"/playlists/{quote(self.playlist, safe='')}/recommend"

    @property
    def query(self) -> dict[str, str | Sequence[str]]:
        """The query parameters."""
        return {**({"track": list(self.tracks)} if self.tracks else {}), **self.parameters}


def absolute_folder(paths: str | None) -> str | None:
    """Return what `--paths` says with the folder from the root: the API has a working directory of its own."""
    form, separator, folder = (paths or "").partition("=")
    if form != "relative" or not separator or not folder or is_windows_path(folder):
        return paths
    return f"{form}={Path(folder).expanduser().absolute()}"


def playlist_of(text: str | None) -> str | None:
    """Return the URN of the list for a file that is there, and any other text as it is."""
    return list_urn(Path(text).name) if text and Path(text).is_file() else text


def recommend(api: ApiClient, request: RecommendationRequest) -> RecommendationResponse:
    """Query the API; raises `ApiError`."""
    return read(RecommendationResponse, _send(api, request))


def recommend_as_text(api: ApiClient, request: RecommendationRequest) -> str:
    """Query the API and return the body as it is, for other formats; raises `ApiError`."""
    return _send(api, request).text


def render(response: RecommendationResponse, recording: str | None = None) -> list[str]:
    """Return two lines a result: the track, and the reason for it (with the scores by signal where taste was used).

    `recording` is the name of the file that was sent.
    """
    with_signals = response.taste is not None
    lines = [line for result in response.results for line in _result_lines(result, with_signals)]
    heading = _heading(response) if recording is None else [f"sounds like {escape(recording)}"]
    unlike = [f"and unlike {track.label()}" for track in response.not_like]
    shortage = [f"  {response.shortage}"] if response.shortage else []
    return [*heading, *unlike, *lines, *(shortage or ([] if lines else ["  no track meets these conditions"]))]


def brief_lines(
    response: RecommendationResponse, count: int, label: Callable[[TrackSummary], str] = TrackSummary.label
) -> list[str]:
    """Return the first seed and the first `count` results, one line each."""
    return [
        f"{label(response.seeds[0])}  sounds like",
        *(f"  {result.rank}  {result.score:.3f}  {label(result)}" for result in response.results[:count]),
    ]


def _heading(response: RecommendationResponse) -> list[str]:
    if response.user:
        return [f"for {response.user.urn}  ({response.user.favorites} favourites)"]
    if response.playlist:
        return [f"for {response.playlist.title or response.playlist.urn}"]
    relation = "sounds like" if response.taste is None else "goes with"
    return [f"{relation} {seed.label()}{_in_parentheses(seed.tags)}" for seed in response.seeds]


def _result_lines(recommendation: Recommendation, with_signals: bool) -> list[str]:
    signals = [f"{signal} {score:.3f}" for signal, score in recommendation.scores.items()] if with_signals else []
    reason = f"{recommendation.why}{_in_parentheses(signals)}".strip()
    return [
        f"{recommendation.rank:>3}  {recommendation.score:.3f}  {recommendation.label()}",
        *([f"{'':12}{reason}"] if reason else []),
    ]


def _send(api: ApiClient, request: RecommendationRequest) -> httpx.Response:
    if request.recording is not None:
        return api.post_audio(request.path, request.query, request.recording)
    return api.get(request.path, request.query)


def _in_parentheses(tags: Sequence[str]) -> str:
    return f"  ({', '.join(tags)})" if tags else ""
