"""The store as an ASGI application: a request is read, verified, recognised, received, and then answered."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from soundalike.local.store import operations
from soundalike.local.store.body import content_mismatch, receive_unverified, receive_verified
from soundalike.local.store.refusal import Reply, RequestRefused
from soundalike.local.store.request import parse
from soundalike.local.store.signature import read_claim, verify
from soundalike.local.store.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from soundalike.local.store.body_stream import Receive
    from soundalike.local.store.emulator import Emulator
    from soundalike.local.store.request import Request
    from soundalike.local.store.signature import Claim, Credentials

    Scope = MutableMapping[str, Any]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

_CHECK_INTERVAL_S: Final = 5.0
# However many files there are, looking at them takes a twentieth of the time at most.
_CHECK_PAUSE_FACTOR: Final = 20

# What is longer lies in a file until it is stored, or until the client has read it.
_MEMORY_BYTES: Final = 1024 * 1024


class Store:
    """S3 and SQS for whoever has the keys, and for nobody else."""

    def __init__(self, emulator: Emulator, credentials: Credentials) -> None:
        self._emulator = emulator
        self._credentials = credentials
        # A long body is in memory once while ministack stores it, so only one at a time.
        self._long_body = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's event, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._serve_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise ValueError(f"{scope['type']} is not served")

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        check = None
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._emulator.load()
                check = asyncio.create_task(self._check_files())
                await send({"type": "lifespan.startup.complete"})
            else:
                if check is not None:
                    check.cancel()
                self._emulator.save()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _check_files(self) -> None:
        """Notice within seconds that files, or the whole folder, were deleted from the disk."""
        while True:
            started = time.monotonic()
            try:
                self._emulator.create_folders()
                if lost := await self._emulator.forget_lost_objects():
                    log.error("%d objects are gone from the disk, among them %s", len(lost), lost[0])
            except OSError as error:
                log.error("the folders could not be checked: %s", error)  # noqa: TRY400 - an expected failure
            await asyncio.sleep(max(_CHECK_INTERVAL_S, _CHECK_PAUSE_FACTOR * (time.monotonic() - started)))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._answer(scope, receive)
        except RequestRefused as refusal:
            reply = refusal.reply(json_protocol=any(name == b"x-amz-target" for name, _ in scope["headers"]))
            # A body that nobody wants is not waited for.
            reply = Reply(reply.status, (*reply.headers, ("Connection", "close")), reply.body)
        if scope["method"] == "HEAD":
            await _send(reply, send, [b""])
        elif len(reply.body) <= _MEMORY_BYTES:
            await _send(_with_length(reply), send, [reply.body])
        else:
            spool = Spool(_MEMORY_BYTES)
            try:
                spool.write(reply.body)
                # From here on a long body is in the file only.
                reply = replace(_with_length(reply), body=b"")
                await _send(reply, send, spool.parts())
            finally:
                spool.close()

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        request = parse(scope)
        claim = read_claim(request, self._credentials, datetime.now(UTC))
        if claim.service == "sqs":
            return await self._answer_sqs(request, claim, receive)
        return await self._answer_s3(request, claim, receive)

    async def _answer_sqs(self, request: Request, claim: Claim, receive: Receive) -> Reply:
        operations.sqs_action(request)
        spool, content_hash = await receive_unverified(request, receive, operations.MAX_DOCUMENT_BYTES)
        try:
            if claim.payload is not None and not hmac.compare_digest(claim.payload.encode(), content_hash.encode()):
                raise content_mismatch()
            verify(request, claim, self._credentials, body_hash=content_hash)
            body = spool.read()
        finally:
            spool.close()
        return await self._emulator.call_sqs(request, claim, body)

    async def _answer_s3(self, request: Request, claim: Claim, receive: Receive) -> Reply:
        key = verify(request, claim, self._credentials)
        call = operations.s3_call(request, claim.signed_headers, presigned=claim.presigned)
        spool, trailers = await receive_verified(request, key, receive, call.operation.max_body_bytes)
        try:
            if call.operation.name == "PutBucketNotificationConfiguration":
                operations.check_notification(spool.read())
            if spool.size <= _MEMORY_BYTES:
                return await self._emulator.call_s3(request, claim, call, trailers, spool.read())
            async with self._long_body:
                body = await asyncio.to_thread(spool.read)
                return await self._emulator.call_s3(request, claim, call, trailers, body)
        finally:
            spool.close()


def _with_length(reply: Reply) -> Reply:
    if any(name.lower() == "content-length" for name, _ in reply.headers):
        return reply
    return replace(reply, headers=(*reply.headers, ("Content-Length", str(len(reply.body)))))


async def _send(reply: Reply, send: Send, parts: Iterable[bytes]) -> None:
    headers = [(name.lower().encode("latin-1"), _encode(value)) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    last = b""
    for part in parts:
        if last:
            await send({"type": "http.response.body", "body": last, "more_body": True})
        last = part
    await send({"type": "http.response.body", "body": last})


def _encode(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
