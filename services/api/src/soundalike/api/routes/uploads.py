"""`POST /recommend`: the tracks that sound like a recording of one's own."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.requests import ClientDisconnect

from soundalike.api import openapi_examples, problems
from soundalike.api.errors import ExtractorUnavailable, TooManyUploads, UploadRejected
from soundalike.api.playlist_formats import Format
from soundalike.api.repository import identify, known_tracks
from soundalike.api.routes.dependencies import LiveNow, RecommenderNow, only
from soundalike.api.routes.query_parameters import OFTEN, ONCE, Wanted, shaped, wanted, wanted_form
from soundalike.api.schemas.answers import Recommendation
from soundalike.api.uploads import Recordings
from soundalike.db.uploads import Analysis

router = APIRouter()

LARGEST_BYTES: Final = 12_000_000
"""Five minutes of the best MP3, or a minute of CD quality: more than is heard of it."""

# The framework's own limit stands behind ours, which says what to do instead.
_FRAMEWORKS_LIMIT: Final = 2 * LARGEST_BYTES
_UPLOAD_S: Final = 20

EXAMPLE: Final = openapi_examples.RECOMMENDATION.model_copy(
    update={
        "seeds": [],
        "results": [each.model_copy(update={"seed": None}) for each in openapi_examples.RECOMMENDATION.results],
    }
)
REFUSED: Final = problems.recording_refused("the audio is silent")
NOT_AUDIO: Final = problems.not_audio("application/x-www-form-urlencoded")
TOO_LARGE: Final = problems.recording_too_large(LARGEST_BYTES)
NOBODY: Final = problems.nobody_listens("no extractor has heard the recording in time")

TOO_SLOW: Final = problems.upload_too_slow(_UPLOAD_S)

_BODY: Final = {"schema": {"type": "string", "format": "binary"}}


async def _recordings(request: Request) -> Recordings:
    recordings: Recordings = request.app.state.recordings
    return recordings


def _declared_as_audio(content_type: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if not (media_type.startswith("audio/") or media_type in {"application/octet-stream", "application/ogg"}):
        raise problems.not_audio(media_type)


@router.post(
    "/recommend",
    summary="The tracks that sound like a recording of your own",
    response_model=Recommendation,
    max_body_size=_FRAMEWORKS_LIMIT,
    dependencies=[Depends(only(*ONCE, often=OFTEN)), Depends(_declared_as_audio)],
    responses=openapi_examples.responses(
        EXAMPLE,
        TOO_SLOW,
        TOO_LARGE,
        NOT_AUDIO,
        REFUSED,
        openapi_examples.TOO_MANY,
        openapi_examples.UNKNOWN_TAG,
        NOBODY,
        openapi_examples.DATABASE_AWAY,
        forms=openapi_examples.FORMS,
    ),
    openapi_extra={"requestBody": {"required": True, "content": {"audio/*": _BODY, "application/octet-stream": _BODY}}},
)
async def recommend_for_recording(
    request: Request,
    live: LiveNow,
    recommender: RecommenderNow,
    asked: Annotated[Wanted, Depends(wanted)],
    form: Annotated[Format, Depends(wanted_form)],
    recordings: Annotated[Recordings, Depends(_recordings)],
) -> Response:
    """Answer with at most `n` tracks that sound like the audio file in the body: mp3, ogg, flac, wav, m4a, webm.

    The body is the file itself, not a form: `curl --data-binary @song.mp3 -H "Content-Type: audio/mpeg"`, or in a
    browser `fetch(address, {method: "POST", body: file})`, which sends the file's type by itself. About half a minute
    of it is heard; what is shorter than seven seconds or silent is refused. Nothing of it is kept: the recording is
    deleted once it is heard, its vector once it is compared. Without an idle extractor the answer is 503, and nothing
    is kept either.
    """
    snapshot = live.snapshot()
    async with live.database() as db:
        wishes = asked.wishes(snapshot.model, await identify(db, asked.exclude))
    sound = await _heard(request, recordings)
    snapshot = live.snapshot()
    if sound.model != snapshot.model.model:
        raise problems.nobody_listens(
            f"the extractor hears with {sound.model}, answers come from {snapshot.model.model}"
        )
    async with live.database() as db:
        lookup = partial(known_tracks, db, model=snapshot.model.model)
        answered = await recommender.answer_sound(lookup, snapshot, sound.vector, wishes, said=sound.tag_probabilities)
    return shaped(Recommendation.of(answered, snapshot), form)


async def _heard(request: Request, recordings: Recordings) -> Analysis:
    try:
        async with recordings.place():
            return await recordings.hear(await _body(request))
    except TooManyUploads as error:
        raise problems.too_many_recordings(str(error)) from error
    except UploadRejected as error:
        raise problems.recording_refused(str(error)) from error
    except ExtractorUnavailable as error:
        raise problems.nobody_listens(str(error)) from error


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BYTES:
        raise TOO_LARGE
    parts, size = [], 0
    try:
        # Whoever sends slowly holds a place that others wait for.
        async with asyncio.timeout(_UPLOAD_S):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > LARGEST_BYTES:
                    raise TOO_LARGE
    except TimeoutError:
        raise TOO_SLOW from None
    except ClientDisconnect:
        raise problems.http(HTTPStatus.BAD_REQUEST) from None
    if not size:
        raise problems.recording_refused("the body is empty; send the audio file itself")
    return b"".join(parts)
