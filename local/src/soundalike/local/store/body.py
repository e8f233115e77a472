"""The body of a request: received into a spool, and used only when it is the one that was signed."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from soundalike.local.store import aws_chunked
from soundalike.local.store.body_stream import BodyStream, incomplete_body
from soundalike.local.store.refusal import RequestRefused
from soundalike.local.store.signature import UNSIGNED_PAYLOAD
from soundalike.local.store.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundalike.local.store.body_stream import Receive
    from soundalike.local.store.request import Request
    from soundalike.local.store.signature import SigningKey

_MEMORY_BYTES: Final = 1024 * 1024
# Of a body that is received before the signature over it can be checked.
_UNVERIFIED_MEMORY_BYTES: Final = 64 * 1024
_HASH = re.compile("[0-9a-f]{64}")
_LENGTH = re.compile("[0-9]{1,15}")


async def receive_unverified(request: Request, receive: Receive, max_bytes: int) -> tuple[Spool, str]:
    """Receive a body and return it with its SHA-256; raises `RequestRefused`. The spool is the caller's to close."""
    spool = Spool(_UNVERIFIED_MEMORY_BYTES)
    try:
        return spool, await _receive(request, receive, spool, max_bytes)
    except BaseException:
        spool.close()
        raise


async def receive_verified(
    request: Request, key: SigningKey, receive: Receive, max_bytes: int
) -> tuple[Spool, Mapping[str, str]]:
    """Receive the body of a request to S3 whose signature is verified, and compare it with what was signed.

    Returns it, decoded if it came in aws-chunked, with its trailing headers. Raises `RequestRefused`. The spool is the
    caller's to close.
    """
    spool = Spool(_MEMORY_BYTES)
    try:
        return spool, await _receive_signed(request, key, receive, spool, max_bytes)
    except BaseException:
        spool.close()
        raise


def content_mismatch() -> RequestRefused:
    """Build the refusal of a body that is another than the one that was signed."""
    return RequestRefused(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")


async def _receive_signed(
    request: Request, key: SigningKey, receive: Receive, spool: Spool, max_bytes: int
) -> Mapping[str, str]:
    payload = key.claim.payload or ""
    if payload in aws_chunked.PAYLOADS:
        length = _decoded_length(request)
        _check_length(length, max_bytes)
        stream = BodyStream(receive)
        return await aws_chunked.decode(stream, spool, request.headers, key, length=length, payload=payload)
    if payload != UNSIGNED_PAYLOAD and not _HASH.fullmatch(payload):
        raise RequestRefused(501, "NotImplemented", "This way to sign a body is not supported.")
    if "aws-chunked" in request.headers.get("content-encoding", "") or aws_chunked.HEADERS & request.headers.keys():
        raise RequestRefused(400, "InvalidRequest", "The body is in aws-chunked, and is not signed as such.")
    content_hash = await _receive(request, receive, spool, max_bytes)
    if payload != UNSIGNED_PAYLOAD and not hmac.compare_digest(content_hash, payload):
        raise content_mismatch()
    return {}


async def _receive(request: Request, receive: Receive, spool: Spool, max_bytes: int) -> str:
    if "transfer-encoding" in request.headers:
        raise RequestRefused(411, "MissingContentLength", "The request must have the header Content-Length.")
    length = _number(request.headers.get("content-length", "0"))
    _check_length(length, max_bytes)
    stream, content_hash = BodyStream(receive), hashlib.sha256()
    while part := await stream.read():
        if spool.size + len(part) > length:
            raise incomplete_body()
        spool.write(part)
        content_hash.update(part)
    if spool.size != length:
        raise incomplete_body()
    return content_hash.hexdigest()


def _decoded_length(request: Request) -> int:
    if request.headers.get("transfer-encoding", "chunked").lower() != "chunked":
        raise RequestRefused(501, "NotImplemented", "This transfer encoding is not supported.")
    if "x-amz-decoded-content-length" not in request.headers:
        raise RequestRefused(411, "MissingContentLength", "The header x-amz-decoded-content-length is missing.")
    return _number(request.headers["x-amz-decoded-content-length"])


def _number(text: str) -> int:
    if not _LENGTH.fullmatch(text):
        raise RequestRefused(400, "InvalidRequest", "The length of the body is no number.")
    return int(text)


def _check_length(length: int, max_bytes: int) -> None:
    if length > max_bytes:
        raise RequestRefused(400, "EntityTooLarge", f"The body has more than {max_bytes} bytes.")
