"""Files that browsers cannot play, transcoded on the way by a confined process each, of which there are few."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final

from soundalike.api.caller_slots import CallerSlots
from soundalike.api.errors import RecordingCutShort, TooManyStreams, TranscoderUnavailable, Unplayable
from soundalike.audio.child_start import child_command, child_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "audio/ogg; codecs=opus"

MAX_STREAMS: Final = 4
"""Each takes a process of some 100 MB, and a core for a fiftieth of the time that it plays."""

_MODULE: Final = "soundalike.audio.transcoder_process"
_MEMORY_BYTES: Final = 1 << 30
_SLOT_TIMEOUT_S: Final = 2.0
_HEAD_TIMEOUT_S: Final = 8.0
"""Less than the time until an answer has to begin, so that it says what was too slow."""

_MAX_SILENCE_S: Final = 60.0
_CHUNK_BYTES: Final = 16_384

_OF_THE_FILE: Final = frozenset({"NotAudio", "Protected", "Undecodable", "TooShort", "TooDemanding"})
"""Errors (`audio.errors`) that come again with the same file."""


class Transcoder:
    """Starts transcodings; one caller never has all of the places."""

    def __init__(self, max_streams: int = MAX_STREAMS) -> None:
        self._slots = asyncio.Semaphore(max_streams)
        self._slots_of_callers = CallerSlots(max(1, max_streams - 1))

    async def open(
        self, file: int, *, caller: str, start_ms: int = 0, segment: tuple[int, int] | None = None
    ) -> TranscodedStream:
        """Begin to transcode an open file, or a segment of it in milliseconds, from `start_ms` on; `file` stays open.

        Raises `TooManyStreams`, `Unplayable` and `TranscoderUnavailable`.
        """
        async with AsyncExitStack() as stack:
            try:
                # Who seeks leaves one stream for another.
                async with asyncio.timeout(_SLOT_TIMEOUT_S):
                    await stack.enter_async_context(self._slots_of_callers.slot(caller))
                    await stack.enter_async_context(self._slots)
            except TimeoutError:
                raise TooManyStreams("this API is already transcoding as many files as it can") from None
            arguments = json.dumps({"start_ms": start_ms, "segment": segment})
            process = await asyncio.create_subprocess_exec(
                *child_command(_MODULE, arguments, str(_MEMORY_BYTES)),
                stdin=file,
                stdout=asyncio.subprocess.PIPE,
                # The C libraries write warnings there that nobody can act on.
                stderr=asyncio.subprocess.DEVNULL,
                env=child_environment(),
            )
            stack.push_async_callback(_end, process)
            seconds = await _read_head(process)
            return TranscodedStream(process, seconds, stack.pop_all())


class TranscodedStream:
    """The bytes of a file of `seconds` while they are made; a context manager, at whose end the process ends."""

    def __init__(self, process: asyncio.subprocess.Process, seconds: float, stack: AsyncExitStack) -> None:
        self.seconds = seconds
        self._process = process
        self._stack = stack

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what is made as fast as it is taken; raises `RecordingCutShort` where it breaks off."""
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it is a pipe
        try:
            while chunk := await asyncio.wait_for(stream.read(_CHUNK_BYTES), _MAX_SILENCE_S):
                yield chunk
        except TimeoutError:
            raise RecordingCutShort("the transcoding process stands still") from None
        status = await self._process.wait()
        if status:
            raise RecordingCutShort(f"the transcoding process ended with status {status}")


async def _read_head(process: asyncio.subprocess.Process) -> float:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _HEAD_TIMEOUT_S)
        head = json.loads(line)
        if "error" not in head:
            return float(head["seconds"])
    except TimeoutError:
        raise Unplayable("finding the place in it takes too long") from None
    except (ValueError, KeyError, TypeError) as error:
        status = await process.wait() if not line else "running"
        raise TranscoderUnavailable(f"the transcoding process did not start (status {status})") from error
    kind, message = str(head["error"]), str(head.get("message"))
    if kind in _OF_THE_FILE:
        raise Unplayable(message)
    raise TranscoderUnavailable(f"the transcoding process failed: {message}")


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    # Reads what is left in the pipe: only at its end does the pipe close.
    await asyncio.shield(process.communicate())
