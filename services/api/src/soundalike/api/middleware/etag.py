"""ETags: a response that a client already has is not sent again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNCACHED_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/random", "/status/events"})
_BODY_HEADERS: Final = frozenset({"content-length", "content-type", "content-encoding"})
_TAG_BYTES: Final = 16


class EtagMiddleware:
    """ASGI middleware that tags answers, and answers 304 where the client's `If-None-Match` names the tag.

    The tag is a hash of the body, and `Cache-Control: no-cache` lets an answer be stored but never be used unasked. A
    shorter way would be a tag of index version and newest vector, known before anything is computed. It would be
    wrong: an answer also depends on what the catalogue says of every track in it, and a track that is forgotten, found
    again or renamed leaves both as they are. An age during which a client need not ask is wrong for the same reason: a
    new track is in the answers within a second, and a forgotten one is out of them as fast. The body of a
    recommendation names model, version and size of the tail, so that its tag changes with them too. What is saved is
    the transfer, not the search. The tag is weak: compressed and plain answers share it.
    """

    def __init__(self, app: ASGIApp, *, private: bool) -> None:
        self._app = app
        self._cache_control = "private, no-cache" if private else "no-cache"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and tag its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taggable = scope["method"] in {"GET", "HEAD"} and scope["path"] not in UNCACHED_PATHS
        if_none_match = Headers(scope=scope).get("if-none-match")
        start: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                cacheable = taggable and message["status"] == 200
                MutableHeaders(scope=message).setdefault(
                    "Cache-Control", self._cache_control if cacheable else "no-store"
                )
                if cacheable:
                    start = message
                    return
            elif start is not None:
                head, start = start, None
                if not message.get("more_body", False):
                    head, message = _revalidate(head, message, if_none_match)
                await send(head)
            await send(message)

        await self._app(scope, receive, tagged)


def _revalidate(start: Message, body: Message, if_none_match: str | None) -> tuple[Message, Message]:
    headers = MutableHeaders(scope=start)
    digest = hashlib.blake2b(body.get("body", b""), digest_size=_TAG_BYTES, usedforsecurity=False).hexdigest()
    tag = headers.setdefault("ETag", f'W/"{digest}"')
    if if_none_match is None or not matches(if_none_match, tag):
        return start, body
    headers_304 = [(name, value) for name, value in headers.raw if name.decode("latin-1").lower() not in _BODY_HEADERS]
    return {**start, "status": 304, "headers": headers_304}, {"type": "http.response.body", "body": b""}


def matches(if_none_match: str, tag: str) -> bool:
    """Tell whether an `If-None-Match` names a tag; by RFC 9110 it is compared weakly."""
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in {
        each.strip().removeprefix("W/") for each in if_none_match.split(",")
    }
