"""What happened to a list between two looks at it: entries added, removed, and moved past others."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    Kind = Literal["added", "moved", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry's change; positions count from 0, `former` is None for an added entry, `position` for a removed one."""

    kind: Kind
    item: str
    position: int | None
    former: int | None


def changes(before: Sequence[tuple[int, str]], after: Sequence[tuple[int, str]]) -> list[Change]:
    """Tell how a list of `(position, item)` became another; an item may stand in it more than once.

    As few entries as can be count as moved: those outside a longest run that kept its order. What only made room for
    others did not move. Repetitions of an item are taken for each other in their order.
    """
    former = defaultdict[str, deque[int]](deque)
    for position, item in sorted(before):
        former[item].append(position)
    kept: list[tuple[int, int, str]] = []
    found: list[Change] = []
    for position, item in sorted(after):
        if former[item]:
            kept.append((position, former[item].popleft(), item))
        else:
            found.append(Change("added", item, position, None))
    found += [Change("removed", item, None, position) for item, left in former.items() for position in left]
    steady = _longest_run([was for _, was, _ in kept])
    found += [
        Change("moved", item, position, was) for place, (position, was, item) in enumerate(kept) if place not in steady
    ]
    return sorted(
        found, key=lambda change: (change.position if change.position is not None else -1, change.former or 0)
    )


def _longest_run(values: Sequence[int]) -> set[int]:
    """Return the places of a longest increasing subsequence of distinct `values`."""
    ends: list[int] = []
    places: list[int] = []
    before: list[int | None] = []
    for place, value in enumerate(values):
        length = bisect_left(ends, value)
        before.append(places[length - 1] if length else None)
        if length == len(ends):
            ends.append(value)
            places.append(place)
        else:
            ends[length], places[length] = value, place
    run: set[int] = set()
    at: int | None = places[-1] if places else None
    while at is not None:
        run.add(at)
        at = before[at]
    return run
