"""Sound as an answer: a file or a part of it, or what a transcoding makes."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from anyio import to_thread
from starlette.responses import StreamingResponse

from soundalike.api import transcoder
from soundalike.api.byte_range import requested_range
from soundalike.api.errors import RecordingCutShort
from soundalike.api.http_protocol import note_sound
from soundalike.api.middleware import etag
from soundalike.api.middleware.head import is_head

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Mapping

    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send

    from soundalike.api.recordings import Recording
    from soundalike.api.transcoder import TranscodedStream

_CHUNK_BYTES: Final = 1 << 18
# Who may listen may keep what was heard; nobody else's cache may.
_CACHE_CONTROL: Final = "private, no-cache"


class AudioResponse(StreamingResponse):
    """A stream that ends what it comes from when it ends, also where nobody waits for its end."""

    def __init__(
        self,
        body: AsyncIterator[bytes],
        resources: AsyncExitStack,
        *,
        media_type: str | None,
        headers: Mapping[str, str],
        status: HTTPStatus = HTTPStatus.OK,
    ) -> None:
        super().__init__(body, status, {"Cache-Control": _CACHE_CONTROL, **headers}, media_type)
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and, unless only that was asked for, the sound."""
        note_sound(scope)
        async with self._resources:
            if is_head(scope):
                self.body_iterator = _nothing()
            await super().__call__(scope, receive, send)


def file_response(recording: Recording, media_type: str, request_headers: Headers) -> AudioResponse:
    """Return a file as it is, or the range of it that a request asks for; raises `UnsatisfiableRange`.

    A client that already has it is told so and sent nothing. The file is closed at the end of the response.
    """
    size = recording.status.st_size
    modified = formatdate(recording.status.st_mtime, usegmt=True)
    validators = {"ETag": recording.etag, "Last-Modified": modified}
    resources = AsyncExitStack()
    resources.callback(recording.file.close)
    known = request_headers.get("if-none-match")
    # It counts before a range does (RFC 9110, 13.2.2).
    if known is not None and etag.matches(known, recording.etag):
        return AudioResponse(_nothing(), resources, media_type=None, headers=validators, status=HTTPStatus.NOT_MODIFIED)
    condition = request_headers.get("if-range")
    # A file that has changed meanwhile is sent whole: its parts do not fit what the client has.
    is_current = condition is None or condition in {recording.etag, modified}
    span = requested_range(request_headers.get("range"), size) if is_current else None
    part = range(size) if span is None else span
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(len(part)),
        **validators,
    }
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return AudioResponse(
        _read(recording.file, part),
        resources,
        media_type=media_type,
        headers=headers,
        status=HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT,
    )


def transcoded_response(stream: TranscodedStream | None) -> AudioResponse:
    """Return what a transcoding makes; with None, for who asks for the head only, nothing is made."""
    resources = AsyncExitStack()
    if stream is not None:
        resources.push_async_exit(stream)
    return AudioResponse(
        _nothing() if stream is None else stream.chunks(),
        resources,
        media_type=transcoder.MEDIA_TYPE,
        headers={"Accept-Ranges": "none"},
    )


async def _read(file: io.FileIO, part: range) -> AsyncIterator[bytes]:
    position = part.start
    while position < part.stop:
        length = min(_CHUNK_BYTES, part.stop - position)
        chunk = await to_thread.run_sync(os.pread, file.fileno(), length, position)
        if not chunk:
            raise RecordingCutShort("the file was shortened while it was sent")
        yield chunk
        position += len(chunk)


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
