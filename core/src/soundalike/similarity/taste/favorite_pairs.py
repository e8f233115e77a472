"""Who favourites what, in numbers: read one by one, held in eight bytes each."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Likes:
    """Favourites: user `users[i]` favourites track `tracks[i]` (int32 [m] both), named `urns` [n], each pair once.

    Of the users nothing is kept but which favourites belong together.
    """

    users: NDArray[np.int32]
    tracks: NDArray[np.int32]
    urns: list[str]

    def common(self, *, least_fans: int, most_likes: int) -> Likes:
        """Return those of tracks that `least_fans` or more favourite, and of users with at most `most_likes`.

        Tracks come in the order of their names in UTF-8, users as they were. Who favourites nearly everything says
        nothing of taste, and costs the square of it.
        """
        zealous = np.bincount(self.users) > most_likes if len(self.users) else np.zeros(0, np.bool_)
        kept = ~zealous[self.users]
        fans = np.bincount(self.tracks[kept], minlength=len(self.urns))
        kept &= fans[self.tracks] >= least_fans
        left, tracks = np.unique(self.tracks[kept], return_inverse=True)
        _, users = np.unique(self.users[kept], return_inverse=True)
        urns = [self.urns[number] for number in left]
        order = sorted(range(len(urns)), key=lambda number: urns[number].encode())
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order))
        return Likes(users.astype(np.int32), places[tracks], [urns[number] for number in order])


class LikesReader:
    """Takes favourites `(user, track)` user by user, and numbers them."""

    def __init__(self) -> None:
        self._users, self._tracks = array("i"), array("i")
        self._numbers: dict[str, int] = {}
        self._user: str | None = None
        self._count = 0

    def add(self, user: str, track: str) -> None:
        """Take one; those of a user follow each other."""
        if user != self._user:
            self._user = user
            self._count += 1
        self._users.append(self._count - 1)
        self._tracks.append(self._numbers.setdefault(track, len(self._numbers)))

    def likes(self) -> Likes:
        """Return what was taken."""
        return Likes(np.array(self._users, dtype=np.int32), np.array(self._tracks, dtype=np.int32), list(self._numbers))
