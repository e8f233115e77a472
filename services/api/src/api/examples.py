"""What OpenAPI shows of every answer: one example of each, errors included."""

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from api.problems import MEDIA_TYPE, Problem, ProblemDetails, invalid_request, not_ready, not_serving, unknown_track
from api.problems import unparsable as not_a_track
from api.schemas import Health, IndexInfo, Readiness, Recommendation, Result, TrackDetails, TrackSummary
from catalog.tags import SLUGS
from catalog.track_id import ACCEPTED_FORMS
from catalog.tracks import State

URN: Final = "deezer:track:3135556"

_QUERY: Final[dict[str, Any]] = {
    "urn": URN,
    "title": "Harder, Better, Faster, Stronger",
    "artists": ["Daft Punk"],
    "album": "Discovery",
    "link": "https://www.deezer.com/track/3135556",
    "source": "deezer",
    "tags": ["electronic", "dance", "house", "electro"],
}
_INDEX: Final = IndexInfo(model="choi-m1-fixed", version="20261121T060000Z", tracks=3_999, tail=12)

RECOMMENDATION: Final = Recommendation(
    query=TrackSummary(**_QUERY),
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
        )
    ],
)
TRACK: Final = TrackDetails(
    **_QUERY,
    duration_ms=224_693,
    isrc="GBDUW0000059",
    source_tags=["electro house"],
    state=State.READY,
    reason=None,
    preview_provider="deezer",
    match_method="isrc",
)
READY: Final = Readiness(index=_INDEX)
ALIVE: Final = Health()

UNKNOWN: Final = unknown_track(URN)
UNPARSABLE: Final = not_a_track(f"'harder better' names no track; accepted are {ACCEPTED_FORMS}")
QUEUED: Final = not_ready(URN, State.QUEUED, None)
REJECTED: Final = not_ready(URN, State.REJECTED, "the audio is silent")
DATABASE_AWAY: Final = not_serving({"database": "the database does not answer"})
TOO_MANY: Final = invalid_request([{"parameter": "n", "message": "Input should be less than or equal to 100"}])
UNKNOWN_TAG: Final = invalid_request(
    [{"parameter": "tag", "message": f"there is no tag 'jaz'; known are {', '.join(SLUGS)}"}]
)
UNKNOWN_PARAMETER: Final = invalid_request([{"parameter": "verbose", "message": "unknown; known are: none"}])


def responses(answer: BaseModel, *errors: Problem) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's `responses`: the answer, and the errors grouped by their status."""
    found: dict[int | str, dict[str, Any]] = {
        HTTPStatus.OK.value: {"content": {"application/json": {"example": answer.model_dump(mode="json")}}}
    }
    for error in errors:
        content = {"schema": ProblemDetails.model_json_schema(), "examples": {}}
        entry = found.setdefault(
            error.status.value, {"description": error.status.phrase, "content": {MEDIA_TYPE: content}}
        )
        examples = entry["content"][MEDIA_TYPE]["examples"]
        # Two problems of one kind are two examples.
        name = error.kind if error.kind not in examples else f"{error.kind}-{len(examples)}"
        examples[name] = {"summary": error.title, "value": error.body}
    return found
