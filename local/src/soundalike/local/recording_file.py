"""A music file on disk that recommendations start from: which track it would be, and what is sent of it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, BinaryIO, Final

from soundalike.audio.coded_audio.identity import identify
from soundalike.audio.errors import AudioError
from soundalike.audio.isolate import (
    MEMORY_LIMIT_BYTES,
    TIMEOUT_S,
    IsolatedClipEncoder,
    IsolatedFunction,
    Limits,
    cpu_limit_s,
)
from soundalike.domain.file_identity import file_id
from soundalike.local.errors import UnusableFile

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")
_LEAST_BYTES_PER_S: Final = 2_000_000


def encode_digest(source: bytes | BinaryIO) -> bytes:
    """Return the digest of a file's coded audio, 64 hexadecimal digits."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    return identify(stream).digest.encode("ascii")


def urn_of(path: Path) -> str:
    """Return the URN that a file has in a catalogue, by its sound; raises `UnusableFile`."""
    # Every byte of it is read, and by a process that can do nothing else.
    limits = Limits(TIMEOUT_S, MEMORY_LIMIT_BYTES, 64, cpu_limit_s, _LEAST_BYTES_PER_S)
    try:
        with _DigestFunction(encode_digest, limits) as function:
            digest = function.call(path)
    except (AudioError, OSError) as error:
        raise UnusableFile(f"{path} cannot be read: {error}") from error
    if not _DIGEST.fullmatch(digest):
        raise UnusableFile(f"{path} cannot be read")
    return file_id(digest.decode("ascii")).urn


def clip_of(path: Path) -> bytes:
    """Return the excerpts of a file that are analysed, as a small file; raises `UnusableFile`."""
    try:
        with IsolatedClipEncoder() as encoder:
            return encoder.encode(path)
    except (AudioError, OSError) as error:
        raise UnusableFile(f"{path} cannot be analysed: {error}") from error


class _DigestFunction(IsolatedFunction):
    def call(self, path: Path) -> bytes:
        return self._request(path)[1]
