"""Who favourites what, as numbers: added one by one, eight bytes each."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FavoritePairs:
    """Favourites: user `users[i]` favourites track `tracks[i]` (int32 [m] both), named `urns` [n], each pair once.

    Nothing about the users is stored but which favourites belong together.
    """

    users: NDArray[np.int32]
    tracks: NDArray[np.int32]
    urns: list[str]

    def filter(self, *, min_fans: int, max_favorites: int) -> FavoritePairs:
        """Return the pairs of tracks with `min_fans` or more, and of users with at most `max_favorites`.

        Tracks come in the order of their names in UTF-8, users as they were. A user who favourites nearly
        everything says nothing about taste, and costs the square of that number.
        """
        too_active = np.bincount(self.users) > max_favorites if len(self.users) else np.zeros(0, np.bool_)
        selected = ~too_active[self.users]
        fans = np.bincount(self.tracks[selected], minlength=len(self.urns))
        selected &= fans[self.tracks] >= min_fans
        remaining, tracks = np.unique(self.tracks[selected], return_inverse=True)
        _, users = np.unique(self.users[selected], return_inverse=True)
        urns = [self.urns[number] for number in remaining]
        order = sorted(range(len(urns)), key=lambda number: urns[number].encode())
        positions = np.empty(len(order), np.int32)
        positions[order] = np.arange(len(order))
        return FavoritePairs(users.astype(np.int32), positions[tracks], [urns[number] for number in order])


class FavoritePairsBuilder:
    """Collects favourites `(user, track)`, user by user, and numbers them."""

    def __init__(self) -> None:
        self._users, self._tracks = array("i"), array("i")
        self._numbers: dict[str, int] = {}
        self._user: str | None = None
        self._count = 0

    def add(self, user: str, track: str) -> None:
        """Add one; those of a user must follow each other."""
        if user != self._user:
            self._user = user
            self._count += 1
        self._users.append(self._count - 1)
        self._tracks.append(self._numbers.setdefault(track, len(self._numbers)))

    def build(self) -> FavoritePairs:
        """Return the pairs that were added."""
        return FavoritePairs(
            np.array(self._users, dtype=np.int32), np.array(self._tracks, dtype=np.int32), list(self._numbers)
        )
