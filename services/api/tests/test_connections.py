"""Which connections there may be, and which of them gives way."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field

import pytest

from soundalike.api import connections
from soundalike.api.connections import LIMITS_S, ConnectionState, ConnectionTable


@dataclass(eq=False)
class Peer:
    address: str | None = "127.0.0.1"
    begun: ConnectionState = ConnectionState.ANSWER
    gone: list[ConnectionState | None] = field(default_factory=list)

    def state(self) -> ConnectionState:
        return self.begun

    def expire(self, state: ConnectionState) -> None:
        self.gone.append(state)

    def give_way(self) -> None:
        self.gone.append(None)


def admitted(table: ConnectionTable, *addresses: str, now: float = 0.0) -> list[Peer]:
    peers = [Peer(address) for address in addresses]
    assert all(table.admit(peer, now) for peer in peers)
    return peers


def test_one_address_gets_half_of_all_places_and_only_its_own_give_way_to_it() -> None:
    table = ConnectionTable(8)
    (other,) = admitted(table, "198.51.100.1")
    greedy = admitted(table, *["203.0.113.7"] * 20)
    assert len(table) == 5
    assert [bool(peer.gone) for peer in greedy] == [True] * 16 + [False] * 4
    assert not other.gone


@pytest.mark.parametrize(
    "addresses",
    [
        [f"2001:db8:1:2::{number:x}" for number in range(20)],  # one customer has all of these
        ["::ffff:203.0.113.7", "203.0.113.7"] * 10,
    ],
)
def test_an_address_is_known_in_all_its_forms(addresses: list[str]) -> None:
    table = ConnectionTable(8)
    admitted(table, *addresses)
    assert len(table) == 4


def test_this_machine_gets_all_places() -> None:
    table = ConnectionTable(8)
    admitted(table, *["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.8.8"] * 2)
    assert len(table) == 8


def test_those_without_a_request_give_way_first_and_those_that_are_answered_never() -> None:
    table = ConnectionTable(4)
    answered, body, idle, head = admitted(table, *["127.0.0.1"] * 4)
    table.move(answered, ConnectionState.ANSWER, 1.0)
    table.move(body, ConnectionState.BODY, 1.0)
    table.move(idle, ConnectionState.IDLE, 1.0)
    order = []
    for _ in range(3):
        (new,) = admitted(table, "127.0.0.1", now=2.0)
        table.move(new, ConnectionState.ANSWER, 2.0)
        order += [peer for peer in (answered, body, idle, head) if peer.gone and peer not in order]
    assert order == [head, idle, body]
    assert not table.admit(Peer(), 3.0)
    assert (table.displaced, table.refused) == (3, 1)
    table.remove(answered)
    assert table.admit(Peer(), 3.0)


def test_those_who_have_just_come_do_not_drive_each_other_out() -> None:
    """All that come at once are taken before a byte of any is read."""
    table = ConnectionTable(4)
    bodies = admitted(table, *["127.0.0.1"] * 4)
    for peer in bodies:
        table.move(peer, ConnectionState.BODY, 0.1)
    new = admitted(table, *["127.0.0.1"] * 4, now=0.5)
    assert [len(peer.gone) for peer in (*bodies, *new)] == [1] * 4 + [0] * 4


@pytest.mark.parametrize("state", LIMITS_S)
def test_each_may_wait_so_long_and_no_longer(state: ConnectionState) -> None:
    table = ConnectionTable(8)
    (peer,) = admitted(table, "127.0.0.1")
    table.move(peer, state, 0.0)
    table.move(peer, state, 5.0)  # what goes on with the same does not begin again
    assert table.expire(LIMITS_S[state] - 0.1) == {}
    assert table.expire(LIMITS_S[state]) == {state: 1}
    assert peer.gone == [state]


def test_an_answer_that_has_begun_goes_on_for_as_long_as_its_client_reads() -> None:
    table = ConnectionTable(2)
    stream, _ = admitted(table, "127.0.0.1", "127.0.0.1")
    stream.begun = ConnectionState.STREAM
    table.move(stream, ConnectionState.ANSWER, 0.0)
    for hour in range(1, 10):
        table.expire(3600.0 * hour)
    assert stream.gone == []
    # It gives way to nobody, and counts like the others as soon as its client reads no more.
    admitted(table, "127.0.0.1", now=40_000.0)
    assert stream.gone == []
    table.move(stream, ConnectionState.READER, 40_000.0)
    assert table.expire(40_030.0)[ConnectionState.READER] == 1


def test_a_connection_that_was_never_admitted_or_is_gone_does_no_harm() -> None:
    table = ConnectionTable(8)
    peer = Peer("203.0.113.7")
    table.move(peer, ConnectionState.ANSWER, 0.0)
    table.remove(peer)
    assert len(table) == 0
    admitted(table, *["203.0.113.7"] * 4)


def test_there_are_never_more_connections_than_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    assert connections.connection_limit(100) == 100
    assert connections.connection_limit(10_000) == (1024 - 192) // 2
