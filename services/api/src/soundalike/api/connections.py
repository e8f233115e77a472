"""The connections of one process: how many there may be, how long each may wait, and which gives way to a new one."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from soundalike import open_files
from soundalike.api.peer_address import caller_network, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRACE_S: Final = 1.0
_ANYBODY: Final = ""
"""In place of a network: this machine, whose connections have no limit of their own."""

# For the database, the bucket, the index's files and logs.
_OTHER_DESCRIPTORS: Final = 192
_MIN_CONNECTIONS: Final = 16


class ConnectionState(IntEnum):
    """What a connection waits for. All but the last two wait for the client, and give way in this order."""

    HEAD = 0
    """The head of a request."""
    IDLE = 1
    """Another request, after one was answered."""
    REST = 2
    """The rest of a body that nobody wants any more."""
    BODY = 3
    LISTENER = 4
    """A client that has sound in store and reads on later: who has paused it, or plays it."""
    READER = 5
    """A client that does not read its answer."""
    CLOSED = 6
    """The client takes what was written before the end."""
    ANSWER = 7
    """Us."""
    STREAM = 8
    """What is still to come of an answer that has begun, such as events: for as long as the client reads."""


LIMITS_S: Final[Mapping[ConnectionState, float]] = {
    ConnectionState.HEAD: 10.0,
    # Load balancers keep idle connections for a minute. One that ends here first may end under a request on its way.
    ConnectionState.IDLE: 75.0,
    ConnectionState.REST: 5.0,
    ConnectionState.BODY: 30.0,
    # A player asks for the rest again where a pause was longer.
    ConnectionState.LISTENER: 600.0,
    ConnectionState.READER: 30.0,
    ConnectionState.CLOSED: 30.0,
    # What a deadline of the app did not end.
    ConnectionState.ANSWER: 60.0,
}
"""How many seconds a connection may wait; after that it is closed."""


class Connection(Protocol):
    """A connection as the table sees it; `address` is that of the peer."""

    address: str | None

    def state(self) -> ConnectionState:
        """Return what it waits for now, where nobody has told the table of it."""

    def expire(self, state: ConnectionState) -> None:
        """Close, because the limit of `state` has passed."""

    def give_way(self) -> None:
        """Close at once, because a new connection needs the place."""


@dataclass(slots=True)
class ConnectionTable:
    """All connections by what they wait for, each state in the order in which they came to it.

    There are at most `max_connections`, and from one network address at most half as many, unless it is loopback: who
    is at this machine, and a proxy on it, may have all. A new one beyond that takes the place of one that waits for its
    client, by the order of the states those that wait for a second, else the oldest of all: who has just come is not
    driven out by those who come next, before anybody could read what it wants. Where all are being answered the new one
    is refused.
    """

    max_connections: int
    limits_s: Mapping[ConnectionState, float] = field(default_factory=lambda: LIMITS_S)
    displaced: int = 0
    """How many have given way to others."""
    refused: int = 0
    """How many found no place."""
    _since: dict[ConnectionState, dict[Connection, float]] = field(
        default_factory=lambda: {state: {} for state in ConnectionState}
    )
    _states: dict[Connection, ConnectionState] = field(default_factory=dict)
    _networks: dict[Connection, str] = field(default_factory=dict)
    _network_sizes: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._states)

    def admit(self, connection: Connection, now: float) -> bool:
        """Add a connection, if there is a place or another gives way."""
        network = _ANYBODY if is_loopback(connection.address) else caller_network(connection.address)
        if network != _ANYBODY and self._network_sizes[network] >= max(1, self.max_connections // 2):
            place = self._make_way(network, now)
        else:
            place = len(self) < self.max_connections or self._make_way(_ANYBODY, now)
        if place:
            self._states[connection] = ConnectionState.HEAD
            self._since[ConnectionState.HEAD][connection] = now
            self._networks[connection] = network
            self._network_sizes[network] += 1
        else:
            self.refused += 1
        return place

    def remove(self, connection: Connection) -> None:
        """Take a connection out; nothing where it is not in."""
        state = self._states.pop(connection, None)
        if state is None:
            return
        del self._since[state][connection]
        network = self._networks.pop(connection)
        self._network_sizes[network] -= 1
        if not self._network_sizes[network]:
            del self._network_sizes[network]

    def move(self, connection: Connection, state: ConnectionState, now: float) -> None:
        """Note what a connection waits for from now on; nothing where it waits for that already."""
        former = self._states.get(connection)
        if former is None or former is state:
            return
        del self._since[former][connection]
        self._states[connection] = state
        self._since[state][connection] = now

    def expire(self, now: float) -> dict[ConnectionState, int]:
        """Close those that have waited too long; return how many, by what they waited for."""
        for connection in self._expired(ConnectionState.ANSWER, now):
            # Nobody says when an answer begins, which would be one more step of each.
            self.move(connection, connection.state(), now)
        expired = {state: self._expired(state, now) for state in self.limits_s}
        for state, connections in expired.items():
            for connection in connections:
                connection.expire(state)
        return {state: len(connections) for state, connections in expired.items() if connections}

    def _expired(self, state: ConnectionState, now: float) -> list[Connection]:
        limit_s = self.limits_s.get(state, math.inf)
        return [each for each, since in self._since[state].items() if now - since >= limit_s]

    def _make_way(self, network: str, now: float) -> bool:
        candidates = [oldest for state in ConnectionState if (oldest := self._oldest_of(state, network))]
        slow = (each for each in candidates if now - each[1] >= _GRACE_S)
        connection, _ = next(slow, None) or min(candidates, key=lambda each: each[1], default=(None, 0.0))
        if connection is None:
            return False
        self.remove(connection)
        self.displaced += 1
        connection.give_way()
        return True

    def _oldest_of(self, state: ConnectionState, network: str) -> tuple[Connection, float] | None:
        if state >= ConnectionState.ANSWER:
            return None
        for connection, since in self._since[state].items():
            if network in {_ANYBODY, self._networks[connection]}:
                return connection, since
        return None


def connection_limit(requested: int) -> int:
    """Return how many of `requested` connections the limit of open files leaves room for."""
    descriptors = open_files.limit()
    if descriptors is None:
        return requested
    # Beside its socket each may have a file, for its upload.
    return min(requested, max(_MIN_CONNECTIONS, (descriptors - _OTHER_DESCRIPTORS) // 2))
