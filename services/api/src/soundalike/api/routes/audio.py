"""`GET /audio-links/{urn}` and `GET /audio/{urn}`: the sound of own files, for local callers and those with a key."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from soundalike.api import openapi_examples, playback_problems, problems, signed_links, transcoder
from soundalike.api.audio_response import AudioResponse, file_response, transcoded_response
from soundalike.api.errors import (
    FileGone,
    FileOutside,
    FileUnreadable,
    TooManyStreams,
    TranscoderUnavailable,
    Unplayable,
    UnsatisfiableRange,
)
from soundalike.api.middleware.head import is_head
from soundalike.api.peer_address import caller_network
from soundalike.api.platform_connection import PlatformConnection
from soundalike.api.recordings import Recording, open_first
from soundalike.api.routes.dependencies import PlatformDep, accept_only, link_parameters
from soundalike.api.schemas.audio import AudioLink
from soundalike.api.signed_links import LinkPurpose, LinkSubject
from soundalike.api.transcoder import Transcoder
from soundalike.db import locations
from soundalike.db.track_details import details
from soundalike.db.tracks import State, StoredTrack
from soundalike.domain.service_urls import MAX_TEXT_LENGTH
from soundalike.domain.text import clean
from soundalike.domain.track_id import TrackId

router = APIRouter()

_LINK_LIFETIME_S: Final = 3_600
"""Beside the length of the track: somebody pauses, and goes on."""

_MAX_START_S: Final = 7 * 24 * 3_600

_FILE_URN: Final = "file:track:" + 8 * "4f6f2ab7"
_PATH: Final = "/music/Album/01 Song.flac"
_GONE: Final = playback_problems.no_file(_FILE_URN, FileGone(f"{_PATH} is not there any more"))
_PROBLEMS: Final = (
    _GONE,
    playback_problems.no_file(_FILE_URN, FileOutside(f"{_PATH} is a link that leads out of its library /music")),
    playback_problems.played_elsewhere(openapi_examples.URN, "deezer", "https://www.deezer.com/track/3135556"),
    openapi_examples.UNKNOWN,
    openapi_examples.UNPARSABLE,
    openapi_examples.DATABASE_UNAVAILABLE,
    problems.invalid_link("the link has expired"),
)
_LINK: Final = AudioLink(
    url=f"audio/{_FILE_URN}",
    expires_at=datetime(2026, 11, 28, 12, tzinfo=UTC),
    media_type="audio/flac",
    seekable=True,
    duration_ms=224_693,
)


def _audio_responses() -> dict[int | str, dict[str, Any]]:
    described = openapi_examples.responses(
        _LINK,
        *_PROBLEMS,
        openapi_examples.UNKNOWN_PARAMETER,
        playback_problems.unplayable(_FILE_URN, "it is protected (DRM)"),
        playback_problems.too_many_streams("this API is already transcoding as many files as it can"),
        playback_problems.transcoder_unavailable("the transcoding process ended with status 1"),
        playback_problems.unsatisfiable_range(4_194_304),
    )
    sound = {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}
    return {
        **described,
        HTTPStatus.OK.value: {"description": "The file, or Opus in Ogg", **sound},
        HTTPStatus.PARTIAL_CONTENT.value: {"description": "The range of the file that `Range` names", **sound},
    }


_Urn = Annotated[
    str,
    Path(max_length=MAX_TEXT_LENGTH, description="Any form that /recommend accepts", examples=[_FILE_URN]),
]


async def _transcoder(request: Request) -> Transcoder:
    of_app: Transcoder = request.app.state.transcoder
    return of_app


@router.get(
    "/audio-links/{urn:path}",
    summary="A link to the sound of a track",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(_LINK, *_PROBLEMS, openapi_examples.UNKNOWN_PARAMETER),
)
async def link_audio(platform: PlatformDep, request: Request, response: Response, urn: _Urn) -> AudioLink:
    """Return where the file of a track can be heard: for who is at this machine, and whoever has a key.

    For who needs a key the address is signed and ends after about an hour, or with the key: browsers cannot send a key
    with `<audio>`. Tracks of services are played by their services.
    """
    track, recording = await _open(platform, urn)
    recording.file.close()
    duration_ms = track.track.duration_ms
    lifetime_s = _LINK_LIFETIME_S + (duration_ms or 0) / 1000
    subject = LinkSubject(LinkPurpose.AUDIO, track.track.id.urn)
    signed = signed_links.sign(request.scope.get("key"), subject, lifetime_s=lifetime_s)
    response.headers["Cache-Control"] = "no-store"
    return AudioLink(
        url=f"audio/{quote(track.track.id.urn, safe=':')}" + (f"?{signed.text}" if signed.text else ""),
        expires_at=datetime.fromtimestamp(signed.expires_at, UTC),
        media_type=recording.media_type or transcoder.MEDIA_TYPE,
        seekable=recording.media_type is not None,
        duration_ms=duration_ms,
    )


@router.get(
    "/audio/{urn:path}",
    summary="The sound of a track of one's own files",
    dependencies=[Depends(accept_only("start", "format", *signed_links.PARAMETERS)), Depends(link_parameters)],
    response_class=Response,
    responses=_audio_responses(),
)
async def play_audio(
    platform: PlatformDep,
    request: Request,
    transcoding: Annotated[Transcoder, Depends(_transcoder)],
    urn: _Urn,
    start: Annotated[
        float | None,
        Query(ge=0, le=_MAX_START_S, allow_inf_nan=False, description="Seconds to begin at; the answer is Opus then"),
    ] = None,
    form: Annotated[
        Literal["opus"] | None, Query(alias="format", description="Opus also where the file could come as it is")
    ] = None,
) -> AudioResponse:
    """Return the file, whole or in ranges, where browsers play it; other files and parts of files as Opus.

    What is transcoded is made while it is sent, and has no length and no ranges: `start` leads to a later place.
    """
    track, recording = await _open(platform, urn)
    try:
        if recording.media_type is not None and start is None and form is None:
            return file_response(recording, recording.media_type, request.headers)
        with recording.file:
            if is_head(request.scope):
                return transcoded_response(None)
            caller = request.scope.get("caller") or caller_network(request.client.host if request.client else None)
            stream = await transcoding.open(
                recording.file.fileno(),
                caller=caller,
                start_ms=round(1000 * (start or 0)),
                segment=recording.segment,
            )
        return transcoded_response(stream)
    except UnsatisfiableRange:
        recording.file.close()
        raise playback_problems.unsatisfiable_range(recording.status.st_size) from None
    except TooManyStreams as error:
        raise playback_problems.too_many_streams(str(error)) from error
    except Unplayable as error:
        raise playback_problems.unplayable(track.track.id.urn, str(error)) from error
    except TranscoderUnavailable as error:
        raise playback_problems.transcoder_unavailable(str(error)) from error


async def _open(platform: PlatformConnection, pasted: str) -> tuple[StoredTrack, Recording]:
    async with platform.database() as db:
        known = await details(db, pasted)
        if known is None:
            raise problems.unknown_track(TrackId.parse(clean(pasted)).urn)
        stored = known.stored_track
        track = stored.track
        if stored.state is State.FORGOTTEN:
            raise problems.forgotten(track.id.urn)
        if track.id.source != "file":
            raise playback_problems.played_elsewhere(track.id.urn, track.id.source, track.link)
        places = (await locations.of_tracks(db, [track.id.urn])).get(track.id.urn, [])
    try:
        return stored, await to_thread.run_sync(open_first, places)
    except (FileGone, FileOutside, FileUnreadable) as failure:
        raise playback_problems.no_file(track.id.urn, failure) from failure
