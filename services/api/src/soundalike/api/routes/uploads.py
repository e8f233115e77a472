"""`POST /recommend`: the tracks that sound like an audio file of one's own."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.requests import ClientDisconnect

from soundalike.api import openapi_examples, problems
from soundalike.api.errors import ExtractorUnavailable, TooManyUploads, UploadRejected
from soundalike.api.middleware.deadline import Deadline
from soundalike.api.peer_address import caller_network
from soundalike.api.repository import Repository
from soundalike.api.routes.counterexamples import counterexample_urns, resolve_counterexamples
from soundalike.api.routes.dependencies import PlatformDep, RecommenderDep, SeedResolverDep, accept_only
from soundalike.api.routes.query_parameters import (
    REPEATABLE,
    SINGLE,
    QueryParameters,
    query_parameters,
)
from soundalike.api.routes.response_format import ResponseWriter, response_writer
from soundalike.api.schemas.recommendation import Recommendation
from soundalike.api.seeds import upload_seed
from soundalike.api.upload_spool import SpooledUpload, UploadSpool
from soundalike.api.uploads import UploadExtractor
from soundalike.db import track_references
from soundalike.db.uploads import Analysis

router = APIRouter()

MAX_UPLOAD_BYTES: Final = 12_000_000
"""Five minutes of the best MP3, or a minute of CD quality: more than is analysed of it."""

# The framework's own limit stands behind ours, which says what to do instead.
_FRAMEWORK_LIMIT_BYTES: Final = 2 * MAX_UPLOAD_BYTES
_UPLOAD_TIMEOUT_S: Final = 20
_GRACE_S: Final = 5.0
_LEAST_BYTES_PER_S: Final = 16_000
"""What a client has to send on average, once `_GRACE_S` are over."""

EXAMPLE: Final = openapi_examples.RECOMMENDATION.model_copy(
    update={
        "seeds": [],
        "results": [each.model_copy(update={"seed": None}) for each in openapi_examples.RECOMMENDATION.results],
    }
)
REJECTED: Final = problems.upload_rejected("the audio is silent")
NOT_AUDIO: Final = problems.not_audio("application/x-www-form-urlencoded")
TOO_LARGE: Final = problems.upload_too_large(MAX_UPLOAD_BYTES)
NO_EXTRACTOR: Final = problems.extractor_unavailable("no extractor has analysed the file in time")

TOO_SLOW: Final = problems.upload_too_slow(_UPLOAD_TIMEOUT_S, _LEAST_BYTES_PER_S)

_BODY: Final = {"schema": {"type": "string", "format": "binary"}}


async def _upload_extractor(request: Request) -> UploadExtractor:
    extractor: UploadExtractor = request.app.state.upload_extractor
    return extractor


async def _upload_spool(request: Request) -> UploadSpool:
    spool: UploadSpool = request.app.state.upload_spool
    return spool


def _require_audio_type(content_type: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if not (media_type.startswith("audio/") or media_type in {"application/octet-stream", "application/ogg"}):
        raise problems.not_audio(media_type)


@router.post(
    "/recommend",
    summary="Tracks that sound like an audio file of your own",
    response_model=Recommendation,
    max_body_size=_FRAMEWORK_LIMIT_BYTES,
    dependencies=[Depends(accept_only(*SINGLE, repeatable=REPEATABLE)), Depends(_require_audio_type)],
    responses=openapi_examples.responses(
        EXAMPLE,
        TOO_SLOW,
        TOO_LARGE,
        NOT_AUDIO,
        REJECTED,
        openapi_examples.TOO_MANY,
        openapi_examples.UNKNOWN_TAG,
        NO_EXTRACTOR,
        openapi_examples.DATABASE_UNAVAILABLE,
        other_formats=openapi_examples.OTHER_FORMATS,
    ),
    openapi_extra={"requestBody": {"required": True, "content": {"audio/*": _BODY, "application/octet-stream": _BODY}}},
)
async def recommend_for_recording(
    request: Request,
    platform: PlatformDep,
    recommender: RecommenderDep,
    seed_resolver: SeedResolverDep,
    parameters: Annotated[QueryParameters, Depends(query_parameters)],
    writer: Annotated[ResponseWriter, Depends(response_writer)],
    extractor: Annotated[UploadExtractor, Depends(_upload_extractor)],
    spool: Annotated[UploadSpool, Depends(_upload_spool)],
) -> Response:
    """Return at most `n` tracks that sound like the audio file in the body: mp3, ogg, flac, wav, m4a, wma and more.

    The body is the file itself, not a form: `curl --data-binary @song.mp3 -H "Content-Type: audio/mpeg"`, or in a
    browser `fetch(address, {method: "POST", body: file})`, which sends the file's type by itself. About half a minute
    of it is analysed, three times as much of a recording of more than a minute; audio that is silent or shorter than
    seven seconds is refused. Nothing is stored: the file is deleted after its analysis, its vector after the
    comparison. Without an idle extractor the response is 503, and nothing is stored either.
    """
    snapshot = platform.snapshot()
    async with platform.database() as db:
        query = parameters.to_query(snapshot.model, await track_references.resolve_all(db, parameters.exclude))
        not_like = await counterexample_urns(db, parameters.not_like)
        # Whoever names what cannot be compared hears of it before the file is sent.
        await resolve_counterexamples(seed_resolver, db, snapshot, not_like, query)
    analysis = await _extract(request, extractor, spool)
    snapshot = platform.snapshot()
    if analysis.model != snapshot.model.model:
        raise problems.extractor_unavailable(
            f"the extractor uses the model {analysis.model}, the index {snapshot.model.model}"
        )
    async with platform.database() as db:
        seed = upload_seed(snapshot, analysis.vector, analysis.tag_probabilities)
        counterexamples = await resolve_counterexamples(seed_resolver, db, snapshot, not_like, query)
        result = await recommender.recommend(Repository(db, analysis.model), snapshot, seed, query, counterexamples)
    return await writer.respond(platform, Recommendation.of(result, snapshot))


async def _extract(request: Request, extractor: UploadExtractor, spool: UploadSpool) -> Analysis:
    client = request.client.host if request.client else None
    caller = request.scope.get("caller") or caller_network(client)
    deadline = Deadline.of(request.scope)
    try:
        async with spool.open(caller) as upload:
            deadline.restart(_UPLOAD_TIMEOUT_S)
            await _receive_body(request, upload)
            deadline.restart()
            # Only now: whoever sends slowly keeps nobody else waiting.
            async with extractor.slot(caller):
                return await extractor.extract(await upload.read())
    except TooManyUploads as error:
        raise problems.too_many_uploads(str(error)) from error
    except UploadRejected as error:
        raise problems.upload_rejected(str(error)) from error
    except ExtractorUnavailable as error:
        raise problems.extractor_unavailable(str(error)) from error


async def _receive_body(request: Request, upload: SpooledUpload) -> None:
    content_length = request.headers.get("content-length", "")
    if content_length.isdecimal() and int(content_length) > MAX_UPLOAD_BYTES:
        raise TOO_LARGE
    loop = asyncio.get_running_loop()
    start, parts = loop.time(), request.stream()
    try:
        while True:
            allowed_s = min(_UPLOAD_TIMEOUT_S, _GRACE_S + upload.size / _LEAST_BYTES_PER_S)
            async with asyncio.timeout_at(start + allowed_s):
                part = await anext(parts, None)
            if part is None:
                break
            if upload.size + len(part) > MAX_UPLOAD_BYTES:
                raise TOO_LARGE
            await upload.write(part)
    except TimeoutError:
        raise TOO_SLOW from None
    except ClientDisconnect:
        raise problems.http(HTTPStatus.BAD_REQUEST) from None
    if not upload.size:
        raise problems.upload_rejected("the body is empty; send the audio file itself")
