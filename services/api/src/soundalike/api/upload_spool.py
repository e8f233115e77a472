"""Uploads on their way in: on the disk until they are whole, within limits for all callers and for each."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from soundalike.api.errors import TooManyUploads
from soundalike.errors import UnusableDirectory
from soundalike.storage.private_directories import private_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

log = logging.getLogger(__name__)

MAX_BYTES: Final = 256_000_000
"""Of all uploads of one process together."""

MAX_CALLER_BYTES: Final = 64_000_000
"""Of one caller: five files of the largest size."""

# What is shorter needs no file; of what is longer, so much goes to the disk at once.
_BUFFER_BYTES: Final = 128 * 1024


@dataclass(slots=True)
class UploadSpool:
    """A folder for uploads that have not been analysed yet.

    Their files have no names: nobody else can open them, and they are gone with the process, however it ends. What
    counts is what has arrived, so that a slow client takes no more than it has sent.
    """

    directory: Path
    max_bytes: int = MAX_BYTES
    max_caller_bytes: int = MAX_CALLER_BYTES
    _sizes: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def open(self, caller: str) -> AsyncIterator[SpooledUpload]:
        """Open an empty upload of a caller for as long as the block runs."""
        upload = SpooledUpload(self, caller)
        try:
            yield upload
        finally:
            self._release(caller, upload.size)
            if upload.file is not None:
                # A write that was cancelled may still go on in its thread; closing waits for it.
                await asyncio.shield(asyncio.to_thread(upload.file.close))

    def take(self, caller: str, size: int) -> None:
        """Count `size` more bytes of a caller; raises `TooManyUploads` where there is no room for them."""
        if self._sizes[caller] + size > self.max_caller_bytes:
            raise TooManyUploads("too many uploads of yours are on their way already")
        if self._sizes.total() + size > self.max_bytes:
            raise TooManyUploads("this API is already taking as many uploads as it can")
        self._sizes[caller] += size

    def _release(self, caller: str, size: int) -> None:
        self._sizes[caller] -= size
        if self._sizes[caller] <= 0:
            del self._sizes[caller]

    def open_file(self) -> BinaryIO:
        """Open a file without a name; it waits for the disk."""
        directory = private_directory(self.directory)
        return cast("BinaryIO", tempfile.TemporaryFile(dir=directory))


@dataclass(slots=True)
class SpooledUpload:
    """One upload; `size` is how many bytes of it have arrived."""

    spool: UploadSpool
    caller: str
    size: int = 0
    file: BinaryIO | None = None
    _buffer: bytearray = field(default_factory=bytearray)

    async def write(self, data: bytes) -> None:
        """Add what has arrived; raises `TooManyUploads` where there is no room for it."""
        self.spool.take(self.caller, len(data))
        self.size += len(data)
        self._buffer += data
        if len(self._buffer) >= _BUFFER_BYTES:
            data, self._buffer = bytes(self._buffer), bytearray()
            try:
                await asyncio.to_thread(self._append, data)
            except (OSError, UnusableDirectory) as error:
                log.error("cannot store an upload: %s", error)  # noqa: TRY400 - says it all
                raise TooManyUploads("this API cannot store uploads now") from error

    async def read(self) -> bytes:
        """Return all of it."""
        return await asyncio.to_thread(self._read)

    def _append(self, data: bytes) -> None:
        if self.file is None:
            self.file = self.spool.open_file()
        self.file.write(data)

    def _read(self) -> bytes:
        if self.file is None:
            return bytes(self._buffer)
        self.file.seek(0)
        return self.file.read() + self._buffer
