"""The examples in the OpenAPI specification: one of every response, errors included."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from soundalike.api import playlist_formats
from soundalike.api.playlist_formats import MEDIA_TYPES, Format
from soundalike.api.problems import (
    MEDIA_TYPE,
    Problem,
    ProblemDetails,
    folder_refused,
    invalid_request,
    list_forgotten,
    no_crawl_target,
    no_taste_data,
    not_ready,
    not_serving,
    playlist_not_ready,
    too_many_crawls,
    too_many_listeners,
    unknown_crawl,
    unknown_library,
    unknown_playlist,
    unknown_track,
    unknown_user,
)
from soundalike.api.problems import unparsable_playlist as not_a_playlist
from soundalike.api.problems import unparsable_track as not_a_track
from soundalike.api.problems import unparsable_user as not_an_account
from soundalike.api.schemas.crawls import Crawl, CrawlSourceInfo
from soundalike.api.schemas.health import Health, Readiness
from soundalike.api.schemas.recommendation import IndexInfo, PlaylistSummary, Recommendation, Result
from soundalike.api.schemas.status import (
    ActiveAnalysis,
    AnalysisInfo,
    DeadLetterInfo,
    DeadLetters,
    IndexStatus,
    LibraryInfo,
    ModelInfo,
    QueueInfo,
    RecentAnalysis,
    RequestsInfo,
    RetryResult,
    Status,
    StatusLink,
)
from soundalike.api.schemas.tracks import (
    EXAMPLE_URN,
    ListedTrack,
    RandomTracks,
    SearchResult,
    SearchResults,
    TrackDetails,
    TrackPage,
    TrackRequest,
    TrackSummary,
)
from soundalike.api.schemas.users import SimilarUser, SimilarUsers
from soundalike.db import track_requests
from soundalike.db.crawls import CrawlState
from soundalike.db.search import Likeness
from soundalike.db.tracks import State, StoredTrack, Track
from soundalike.domain import playlist_id, user_id
from soundalike.domain.tags import TAG_SLUGS
from soundalike.domain.track_id import ACCEPTED_FORMS, TrackId

EVENTS: Final = "text/event-stream"
"""The media type of server-sent events."""

URN: Final = EXAMPLE_URN
PLAYLIST: Final = "spotify:playlist:37i9dQZF1DXcBWIGoYBM5M"

_STORED: Final = StoredTrack(
    Track(
        TrackId.from_urn(URN),
        "Harder, Better, Faster, Stronger",
        ("Daft Punk",),
        album="Discovery",
        duration_ms=224_693,
        isrc="GBDUW0000059",
        link="https://www.deezer.com/track/3135556",
        tags=("electro house",),
    ),
    State.READY,
    reason=None,
    preview_provider="deezer",
    match_method="isrc",
)
_TAGS: Final = ("electronic", "dance", "house", "electro")
_INDEX: Final = IndexInfo(model="choi-m1-fixed", version="20261121T060000Z", tracks=3_999, tail=12)

RECOMMENDATION: Final = Recommendation(
    seeds=[TrackSummary.of(_STORED.track, _TAGS)],
    index=_INDEX,
    results=[
        Result(
            rank=1,
            score=0.912345,
            urn="deezer:track:3135554",
            title="Aerodynamic",
            artists=["Daft Punk"],
            album="Discovery",
            link="https://www.deezer.com/track/3135554",
            source="deezer",
            tags=["electronic", "house", "dance", "funk"],
            shared_tags=["electronic", "dance", "house"],
            duration_ms=212_546,
            seed=URN,
            alike={"texture": 0.914, "attack": 0.942, "rhythm": 0.993, "phrasing": 0.971, "character": 0.883},
            why="Similar in rhythm and phrasing; both electronic, dance, house.",
            by=["sound"],
            scores={"sound": 0.912345},
        )
    ],
)
PLAYLIST_RECOMMENDATION: Final = RECOMMENDATION.model_copy(
    update={"playlist": PlaylistSummary(urn=PLAYLIST, title="Friday evening", tracks=48, ready=45)}
)
OTHER_FORMATS: Final = {
    MEDIA_TYPES[form]: playlist_formats.write(form, RECOMMENDATION) for form in Format if form is not Format.JSON
}
"""The same recommendation in the formats other than JSON, by media type."""
TRACK: Final = TrackDetails.of_stored(_STORED, _TAGS)
RANDOM: Final = RandomTracks(tracks=[TrackSummary.of(_STORED.track, _TAGS)])
SEARCH: Final = SearchResults(results=[SearchResult.of(_STORED, match=Likeness.PREFIX)])
PAGE: Final = TrackPage(tracks=[ListedTrack.of(_STORED)], next="/tracks?state=ready&n=1&after=deezer%3Atrack%3A3135556")
REQUEST: Final = TrackRequest(urn=URN, state=State.PENDING, reason=track_requests.REASON)
REQUEST_READY: Final = TrackRequest(urn=URN, state=State.READY, reason=None)
READY: Final = Readiness(index=_INDEX)
ALIVE: Final = Health()

USER: Final = "soundcloud:users:3000000001"
SIMILAR_USERS: Final = SimilarUsers(
    user=USER, results=[SimilarUser(urn="soundcloud:users:3000000421", shared=12, score=0.294118)]
)

_NOW: Final = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
CRAWL: Final = Crawl(
    id=7,
    source=CrawlSourceInfo(kind="folder", name="/srv/music"),
    state=CrawlState.RUNNING,
    requested_at=_NOW,
    started_at=_NOW,
    ended_at=None,
    progress={"seen": 48, "uploaded": 47, "skipped": 1},
    summary=None,
    error=None,
)
STATUS: Final = Status(
    total=4_023,
    by_state=dict.fromkeys(State, 0) | {State.READY: 4_011, State.QUEUED: 12},
    analysis=AnalysisInfo(
        active=[ActiveAnalysis(urn=URN, title=_STORED.track.title, artists=["Daft Punk"], since=_NOW)],
        recent=[RecentAnalysis(urn="deezer:track:3135554", title="Aerodynamic", artists=["Daft Punk"], at=_NOW)],
        waiting=12,
        per_minute=96.0,
        remaining_s=8,
    ),
    queue=QueueInfo(visible=11, in_flight=1, delayed=0),
    dead_letters=1,
    index=IndexStatus(version="20261121T060000Z", built_at=_NOW, age_s=5_400, recall=0.998, tracks=3_999, tail=12),
    models=[ModelInfo(model=_INDEX.model, dimensions=160, current=True, registered_at=_NOW)],
    requests=RequestsInfo(due=0, next_due=None),
    libraries=[LibraryInfo(id=1, root="/srv/music", watched=True, files=3_999, scanned_at=_NOW)],
    crawls=[CRAWL],
    has_watcher=True,
    losses=[],
    missing={},
)
STATUS_EVENT: Final = f"event: status\ndata: {STATUS.model_dump_json()}\n\n"
STATUS_LINK: Final = StatusLink(url="status/events?expires=1795591860&key=0a1b2c3d&signature=5e…", expires_at=_NOW)
DEAD_LETTERS: Final = DeadLetters(
    total=1,
    letters=[
        DeadLetterInfo(
            id="0b9ffb4c-6f1c-4f1f-9d6f-3d0c1b7c7e0a",
            urn=URN,
            title=_STORED.track.title,
            reason="the decoder crashed (signal 11)",
            received_at=_NOW,
            attempts=5,
        )
    ],
)
RETRIED: Final = RetryResult(retried=1)

UNKNOWN: Final = unknown_track(URN)
UNKNOWN_CRAWL: Final = unknown_crawl(7)
UNKNOWN_LIBRARY: Final = unknown_library(1)
NO_CRAWL_TARGET: Final = no_crawl_target("'Music' is not the absolute path of a folder")
FOLDER_REFUSED: Final = folder_refused()
LIST_FORGOTTEN: Final = list_forgotten(PLAYLIST)
TOO_MANY_CRAWLS: Final = too_many_crawls("50 crawls are waiting already")
TOO_MANY_LISTENERS: Final = too_many_listeners("64 others are watching")
QUEUE_UNAVAILABLE: Final = not_serving({"queue": "the queue does not answer"})
UNKNOWN_USER: Final = unknown_user(USER)
UNPARSABLE_USER: Final = not_an_account(f"'anna' names no SoundCloud account; accepted are {user_id.ACCEPTED_FORMS}")
NO_TASTE_DATA: Final = no_taste_data(URN, "try by=both or by=sound")
UNPARSABLE: Final = not_a_track(f"'harder better' names no track; accepted are {ACCEPTED_FORMS}")
QUEUED: Final = not_ready(URN, State.QUEUED, None)
REJECTED: Final = not_ready(URN, State.REJECTED, "the audio is silent")
UNKNOWN_PLAYLIST: Final = unknown_playlist(PLAYLIST)
UNPARSABLE_PLAYLIST: Final = not_a_playlist(f"'friday' names no playlist; accepted are {playlist_id.ACCEPTED_FORMS}")
PLAYLIST_QUEUED: Final = playlist_not_ready(PLAYLIST, {State.QUEUED: 44, State.NO_PREVIEW: 4})
DATABASE_UNAVAILABLE: Final = not_serving({"database": "the database does not answer"})
TOO_MANY: Final = invalid_request([{"parameter": "n", "message": "Input should be less than or equal to 100"}])
UNKNOWN_TAG: Final = invalid_request(
    [{"parameter": "tag", "message": f"there is no tag 'jaz'; the tags are {', '.join(TAG_SLUGS)}"}]
)
UNKNOWN_PARAMETER: Final = invalid_request([{"parameter": "verbose", "message": "unknown; known are: none"}])


def responses(
    example: BaseModel,
    *errors: Problem,
    other_formats: Mapping[str, str] | None = None,
    has_json: bool = True,
    status: HTTPStatus = HTTPStatus.OK,
) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's `responses`: the example, also in `other_formats`, and the errors grouped by their status."""
    content: dict[str, Any] = {"application/json": {"example": example.model_dump(mode="json")}} if has_json else {}
    for media_type, text in (other_formats or {}).items():
        if media_type == EVENTS:
            # A schema would be that of each event.
            content[media_type] = {"example": text}
            continue
        is_json = media_type.endswith("+json")
        content[media_type] = {
            "schema": {"type": "object" if is_json else "string"},
            "example": json.loads(text) if is_json else text,
        }
    by_status: dict[int | str, dict[str, Any]] = {status.value: {"content": content}}
    for error in errors:
        problem = {"schema": ProblemDetails.model_json_schema(), "examples": {}}
        entry = by_status.setdefault(
            error.status.value, {"description": error.status.phrase, "content": {MEDIA_TYPE: problem}}
        )
        examples = entry["content"][MEDIA_TYPE]["examples"]
        # Two problems of one kind are two examples.
        name = error.kind if error.kind not in examples else f"{error.kind}-{len(examples)}"
        examples[name] = {"summary": error.title, "value": error.body}
    return by_status
