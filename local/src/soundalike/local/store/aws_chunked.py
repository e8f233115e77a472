"""Bodies in aws-chunked: chunks that are signed one after the other, and checksums in trailing headers.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from soundalike.local.store.refusal import RequestRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from soundalike.local.store.body_stream import BodyStream
    from soundalike.local.store.signature import SigningKey
    from soundalike.local.store.spool import Spool

_SIGNED: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_SIGNED_WITH_TRAILER: Final = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_UNSIGNED_WITH_TRAILER: Final = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

PAYLOADS: Final = frozenset({_SIGNED, _SIGNED_WITH_TRAILER, _UNSIGNED_WITH_TRAILER})
"""The values of x-amz-content-sha256 that announce such a body."""

HEADERS: Final = frozenset({"x-amz-decoded-content-length", "x-amz-trailer"})
"""The headers that describe such a body."""

CHECKSUMS: Final = frozenset(
    f"x-amz-checksum-{algorithm}" for algorithm in ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
)
"""The headers in which ministack verifies a checksum."""

_CHUNK_HEAD = re.compile(rb"([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?")
_MAX_HEAD_BYTES: Final = 128
_MAX_TRAILER_BYTES: Final = 4096
_TRAILER_SIGNATURE: Final = "x-amz-trailer-signature"


async def decode(
    stream: BodyStream, spool: Spool, headers: Mapping[str, str], key: SigningKey, *, length: int, payload: str
) -> dict[str, str]:
    """Write the decoded body to the spool and return its trailing headers, which hold its checksum.

    Chunks and trailer are verified where they are signed; the checksum itself is left to ministack. Raises
    `RequestRefused`.
    """
    signed, trailer_names = payload != _UNSIGNED_WITH_TRAILER, _trailer_names(headers, payload)
    lines, previous = _Lines(stream), key.claim.signature
    while True:
        size, signature = _parse_head(await lines.read(_MAX_HEAD_BYTES), signed=signed)
        if spool.size + size > length:
            raise _malformed("The chunks are longer than was announced.")
        content_hash = hashlib.sha256()
        async for part in lines.take(size):
            spool.write(part)
            content_hash.update(part)
        if signature is not None:
            expected = key.sign_chunk(previous, content_hash.hexdigest())
            _compare(signature, expected)
            previous = expected
        if size == 0:
            break
        if await lines.read(0):
            raise _malformed("A chunk is longer than it says.")
    if spool.size != length:
        raise RequestRefused(400, "IncompleteBody", "The chunks are shorter than was announced.")
    trailers = _parse_trailer(await lines.rest(_MAX_TRAILER_BYTES))
    if payload == _SIGNED_WITH_TRAILER:
        signature = trailers.pop(_TRAILER_SIGNATURE, "")
        content = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
        _compare(signature, key.sign_trailer(previous, hashlib.sha256(content.encode()).hexdigest()))
    if trailers.keys() != trailer_names:
        raise _malformed("The trailing headers are not those that were announced.")
    return trailers


def content_encoding(header: str) -> str | None:
    """Return how the content itself is encoded, by the header of a request; None where it is not."""
    encodings = [encoding for part in header.split(",") if (encoding := part.strip()) not in {"", "aws-chunked"}]
    return ", ".join(encodings) or None


class _Lines:
    """Lines and counted bytes of a stream."""

    def __init__(self, stream: BodyStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int) -> bytes:
        """Return a line without its end, CR LF."""
        line = bytearray()
        while (end := line.find(b"\r\n")) < 0:
            if len(line) > max_bytes + 1 or not (part := await self._stream.read()):
                raise _malformed("A chunk does not begin or end as it should.")
            line += part
        if end > max_bytes:
            raise _malformed("A chunk does not begin or end as it should.")
        self._stream.give_back(bytes(line[end + 2 :]))
        return bytes(line[:end])

    async def take(self, size: int) -> AsyncIterator[bytes]:
        """Yield the next `size` bytes."""
        while size:
            part = await self._stream.read()
            if not part:
                raise _malformed("A chunk is shorter than it says.")
            taken = part[:size]
            self._stream.give_back(part[size:])
            size -= len(taken)
            yield taken

    async def rest(self, max_bytes: int) -> bytes:
        """Return everything up to the end."""
        rest = bytearray()
        while part := await self._stream.read():
            rest += part
            if len(rest) > max_bytes:
                raise _malformed("The trailing headers are too long.")
        return bytes(rest)


def _trailer_names(headers: Mapping[str, str], payload: str) -> frozenset[str]:
    if "aws-chunked" not in headers.get("content-encoding", "aws-chunked"):
        raise _malformed("The header content-encoding does not name aws-chunked.")
    names = frozenset(name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",") if name.strip())
    if (len(names) != (0 if payload == _SIGNED else 1)) or not names <= CHECKSUMS:
        raise _malformed("The trailing headers must be one checksum, announced in the header x-amz-trailer.")
    return names


def _parse_head(line: bytes, *, signed: bool) -> tuple[int, str | None]:
    match = _CHUNK_HEAD.fullmatch(line)
    if match is None or (match[2] is not None) != signed:
        raise _malformed("A chunk does not begin as it should.")
    return int(match[1], 16), match[2].decode() if signed else None


def _parse_trailer(content: bytes) -> dict[str, str]:
    if not content.endswith(b"\r\n"):
        raise _malformed("The body ends before its end.")
    trailers: dict[str, str] = {}
    # AWS's own example ends the lines in two ways.
    for line in filter(None, re.split(rb"\r\n|\n", content)):
        name, colon, value = line.partition(b":")
        text = name.decode("latin-1").strip().lower()
        if not colon or text in trailers:
            raise _malformed("The trailing headers are not headers.")
        trailers[text] = value.decode("latin-1").strip()
    return trailers


def _compare(signature: str, expected: str) -> None:
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise RequestRefused(403, "SignatureDoesNotMatch", "A part of the body is not the one that was signed.")


def _malformed(message: str) -> RequestRefused:
    return RequestRefused(400, "InvalidRequest", message)
