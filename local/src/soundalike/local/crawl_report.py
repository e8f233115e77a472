"""What a crawl has come to: tracks that are ready, those that are not and why, and example answers."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.db import embeddings, locations, models, track_states, tracks
from soundalike.db.tracks import State
from soundalike.domain.file_paths import display_path
from soundalike.local import recommendation
from soundalike.local.api_client import ApiClient, ApiError
from soundalike.local.recommendation import RecommendationRequest, brief_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from soundalike.db.database import Pool
    from soundalike.db.locations import Location
    from soundalike.db.tracks import StoredTrack
    from soundalike.local.recommendation import RecommendationResponse

EXAMPLES: Final = 3
"""So many tracks are shown with so many of their nearest."""

_FIRST_NAMES: Final = 3
_MAX_GROUPS: Final = 8
_CANDIDATES: Final = 200
_ANSWER_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.3
_UNKNOWN: Final = "no reason is known"
_NUMBER: Final = re.compile(r"(\d[\d.,]*)")


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Tracks that failed for the same reason; where the reasons differ in numbers only, `…` stands for these.

    `first` are the titles of the first of them, by URN.
    """

    reason: str
    count: int
    first: Mapping[str, str]


def failure_groups(failures: Iterable[StoredTrack]) -> list[FailureGroup]:
    """Group tracks by the reason for which they are not analysed, the largest group first."""
    groups: dict[tuple[str, ...], list[StoredTrack]] = {}
    for failure in failures:
        groups.setdefault(tuple(_NUMBER.split(failure.reason or _UNKNOWN)[::2]), []).append(failure)
    return sorted(
        (
            FailureGroup(
                _common_reason([failure.reason or _UNKNOWN for failure in group]),
                len(group),
                {failure.track.id.urn: failure.track.title for failure in group[:_FIRST_NAMES]},
            )
            for group in groups.values()
        ),
        key=lambda group: -group.count,
    )


async def result_lines(pool: Pool, before: Mapping[State, int], moment: datetime) -> list[str]:
    """Say how many tracks are ready, `before` being the counts before the crawl, and what failed since `moment`."""
    ready = (await track_states.count_by_state(pool))[State.READY]
    new = max(0, ready - before.get(State.READY, 0))
    lines = [f"{count_of(ready, 'track is', 'tracks are')} ready to be recommended ({new} new)."]
    groups = failure_groups(await track_states.failures_since(pool, moment))
    if groups:
        paths = await locations.of_tracks(pool, [urn for group in groups for urn in group.first])
        failed = sum(group.count for group in groups)
        lines += [f"{count_of(failed, 'track', 'tracks')} could not be analysed:"]
        lines += [_group_line(group, paths) for group in groups[:_MAX_GROUPS]]
        if rest := sum(group.count for group in groups[_MAX_GROUPS:]):
            lines += [f"  {rest:>5}  other reasons"]
    return lines


async def example_answers(pool: Pool, api_url: str) -> list[RecommendationResponse]:
    """Return answers for tracks that were analysed last, of different artists; none where there is nothing to answer.

    Raises `ApiError` where the API does not answer in time.
    """
    model = await models.current(pool)
    if model is None:
        return []
    urns = await embeddings.newest(pool, model.model, limit=_CANDIDATES)
    if len(urns) < 2:
        return []
    stored = await tracks.get_many(pool, urns)
    return [
        response
        for urn in _of_different_artists([stored[urn] for urn in urns if urn in stored])
        if (response := await _answer(api_url, urn)).results
    ]


def example_lines(responses: Sequence[RecommendationResponse]) -> list[str]:
    """Show each answer after an empty line."""
    if not responses:
        return ["There are no two tracks to compare yet."]
    return [line for response in responses for line in ("", *brief_lines(response, EXAMPLES))]


async def _answer(api_url: str, urn: str) -> RecommendationResponse:
    request = RecommendationRequest([urn], parameters={"n": str(EXAMPLES)})
    deadline = time.monotonic() + _ANSWER_TIMEOUT_S
    while True:
        try:
            return await asyncio.to_thread(recommendation.recommend, ApiClient(api_url), request)
        except ApiError:
            # What was committed a moment ago reaches the API within a second.
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(_POLL_S)


def _of_different_artists(candidates: Sequence[StoredTrack]) -> list[str]:
    """Choose tracks spread over the candidates, no two of an artist where that is possible."""
    step = max(1, len(candidates) // EXAMPLES)
    spread = sorted(range(len(candidates)), key=lambda index: (index % step, index))
    by_artist: dict[tuple[str, ...], str] = {}
    for index in spread:
        track = candidates[index].track
        by_artist.setdefault(track.artists, track.id.urn)
    chosen = list(by_artist.values())[:EXAMPLES]
    rest = [candidates[index].track.id.urn for index in spread]
    return [*chosen, *[urn for urn in rest if urn not in chosen]][:EXAMPLES]


def _group_line(group: FailureGroup, paths: Mapping[str, Sequence[Location]]) -> str:
    """Write a group with the names of its first tracks: of files their paths."""
    names = [display_path(paths[urn][0].path) if urn in paths else title or urn for urn, title in group.first.items()]
    more = f" and {group.count - len(names)} more" if group.count > len(names) else ""
    return f"  {group.count:>5}  {group.reason}: {', '.join(names)}{more}"


def _common_reason(reasons: Sequence[str]) -> str:
    parts = zip(*(_NUMBER.split(reason) for reason in reasons), strict=True)
    return "".join(part[0] if len(set(part)) == 1 else "…" for part in parts)


def count_of(number: int, one: str, many: str) -> str:
    """Return a number with the words for one or for many."""
    return f"{number} {one if number == 1 else many}"
