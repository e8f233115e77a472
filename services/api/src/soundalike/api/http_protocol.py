"""The HTTP protocol of the server: uvicorn's, with limits on what a client may make it wait for and hold."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from soundalike.api.connections import ConnectionState
from soundalike.api.security_headers import SECURITY_HEADERS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from starlette.types import Scope
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from soundalike.api.connections import ConnectionTable

# Addresses may be long: twenty tracks and two hundred to leave out, each as somebody pasted it.
MAX_HEAD_BYTES: Final = 256 * 1024

# Each takes some hundred bytes here, however short it is.
MAX_HEADERS: Final = 100

_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_SINGLE_HEADERS: Final = (b"host", b"content-length", b"transfer-encoding")


_SOUND: Final = "is_sound"


def note_sound(scope: Scope) -> None:
    """Say that the answer to a request is sound, which a player does not read faster than it is heard."""
    # Copies of a scope have this one dictionary.
    scope.setdefault("state", {})[_SOUND] = True


class InvalidHead(ValueError):
    """The head of a request breaks HTTP's rules; the message says which."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's faster protocol, which by itself would wait for ever and keep a head of any length in memory.

    A connection is counted in a `ConnectionTable`, which closes it where the client lets it wait too long. A head that
    different programs could read differently (RFC 9112: two hosts, two lengths) is refused.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        table: ConnectionTable,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address: str | None = None
        self._table = table
        self._head_bytes = 0
        # Before the first request a head is expected, too.
        self._is_in_head = True
        self._is_in_body = False
        self._is_writing_paused = False
        self._refusal: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else None
        if not self._table.admit(self, self.loop.time()):
            self._send_plain(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.", (b"retry-after: 2\r\n",))

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of a connection."""
        self._table.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and refuse what is no request yet after `MAX_HEAD_BYTES`."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        self._note_state()

    def on_message_begin(self) -> None:
        """Take the first byte of a head."""
        self._is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a body as a trailer is none, and must not be taken for one (RFC 9110, 6.5)."""
        if self._is_in_body:
            return
        if len(self.headers) >= MAX_HEADERS:
            self._refuse("The request has too many headers.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Take a head."""
        self._head_bytes = 0
        try:
            _check_head(self.parser.get_http_version(), self.parser.get_method(), self.url, self.headers)
        except InvalidHead as error:
            self._refuse(str(error))
        self._is_in_head, self._is_in_body = False, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take some of a body, which the routes limit."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._head_bytes = 0
        self._is_in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Take the end of an answer."""
        super().on_response_complete()
        self._note_state()

    def pause_writing(self) -> None:
        """Wait for a client that does not read."""
        super().pause_writing()
        self._is_writing_paused = True
        self._note_state()

    def resume_writing(self) -> None:
        """Go on, as the client reads again."""
        super().resume_writing()
        self._is_writing_paused = False
        self._note_state()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request."""
        self._send_plain(HTTPStatus.BAD_REQUEST, self._refusal or msg)

    def state(self) -> ConnectionState:
        """Return what the connection waits for."""
        if self.transport.is_closing():
            return ConnectionState.CLOSED
        if self._is_writing_paused:
            return ConnectionState.LISTENER if self._is_sound() else ConnectionState.READER
        if self._is_answering():
            if self._is_in_body:
                return ConnectionState.BODY
            return ConnectionState.STREAM if self.cycle.response_started else ConnectionState.ANSWER
        if self._is_in_body:
            return ConnectionState.REST
        return ConnectionState.HEAD if self._is_in_head else ConnectionState.IDLE

    def expire(self, state: ConnectionState) -> None:
        """Close, because the client did not do in time what `state` waits for."""
        if self.transport.is_closing() or state in {ConnectionState.READER, ConnectionState.LISTENER}:
            self.transport.abort()
        elif state is ConnectionState.HEAD and self._head_bytes:
            self._send_plain(HTTPStatus.REQUEST_TIMEOUT, "The head of the request did not arrive in time.")
        else:
            self.transport.close()
        self._note_state()

    def shutdown(self) -> None:
        """End with the answer that is on its way, but not with the end of a song: a player asks for the rest again."""
        if self._is_sound():
            self.transport.abort()
        else:
            super().shutdown()

    def give_way(self) -> None:
        """Close at once, because a new connection needs the place."""
        self.transport.abort()

    def _refuse(self, text: str) -> None:
        self._refusal = text
        # The parser turns it into an error of its own, and uvicorn that into the answer.
        raise InvalidHead(text)

    def _is_answering(self) -> bool:
        # None before the first request, whatever uvicorn declares.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _is_sound(self) -> bool:
        # Also of an answer that is complete here, and on its way to a client that does not read it yet.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and _SOUND in cycle.scope["state"]

    def _note_state(self) -> None:
        self._table.move(self, self.state(), self.loop.time())

    def _send_plain(self, status: HTTPStatus, text: str, headers: Sequence[bytes] = ()) -> None:
        is_own_body = self._is_in_body and not self.pipeline and not self.cycle.response_started
        if self._is_answering() and not is_own_body:
            # Another request of this connection is being answered, and this would be taken for its answer.
            self.transport.close()
            return
        body = text.encode("ascii")
        fields = [*self.server_state.default_headers, *SECURITY_HEADERS]
        self.transport.write(
            b"".join(
                (
                    f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii"),
                    *(b"%s: %s\r\n" % (name, value) for name, value in fields),
                    *headers,
                    b"content-type: text/plain; charset=utf-8\r\n",
                    b"cache-control: no-store\r\n",
                    b"content-length: %d\r\n" % len(body),
                    b"connection: close\r\n\r\n",
                    body,
                )
            )
        )
        self.transport.close()


def _check_head(version: str, method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise `InvalidHead` for what breaks RFC 9112 and the parser lets pass."""
    if version not in {"1.0", "1.1"}:
        raise InvalidHead("This is not HTTP/1.1.")
    values: dict[bytes, list[bytes]] = {name: [] for name in _SINGLE_HEADERS}
    for name, value in headers:
        if name in values:
            values[name].append(value.strip(b" \t"))
    hosts, lengths, encodings = values.values()
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise InvalidHead("A request has exactly one Host header.")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise InvalidHead("The Host header is not the name of a host.")
    if len(lengths) > 1 or len(encodings) > 1 or (lengths and encodings):
        raise InvalidHead("A request has one Content-Length or one Transfer-Encoding.")
    if encodings and (version == "1.0" or encodings[0].lower() != b"chunked"):
        raise InvalidHead("The Transfer-Encoding is not one that this server knows.")
    if not target.startswith(b"/") and not (method == b"OPTIONS" and target == b"*"):
        _check_absolute(target, hosts)


def _check_absolute(target: bytes, hosts: Sequence[bytes]) -> None:
    parts = urlsplit(target.decode("latin-1"))
    if parts.scheme.lower() != "http" or not parts.netloc or parts.netloc.lower() != hosts[0].decode("latin-1").lower():
        raise InvalidHead("The address of the request names another host than its Host header.")
