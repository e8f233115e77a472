"""An invented SoundCloud: accounts, tracks and likes, with communities of taste and a few very popular tracks.

How often a track is liked and how much an account likes follow power laws. Every account has one or two styles of the
demo's music that most of its likes come from, so that taste and sound agree to a degree, as among people.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soundalike.sandbox.catalogue import PIECES_PER_STYLE, Piece, pieces
from soundalike.sandbox.styles import STYLES

FIRST_TRACK: Final = 1_000_000_001
FIRST_USER: Final = 3_000_000_001
"""Ids beyond 32 bits, like the real ones."""

_IN_STYLE_CHANCE: Final = 0.85
_SECOND_STYLE_CHANCE: Final = 0.3
_POPULARITY_EXPONENT: Final = 0.8
_ACTIVITY_EXPONENT: Final = 0.7
_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class WorldSize:
    """How large a world is; the shares, 0 to 1, are those of deleted accounts and of private tracks."""

    users: int = 10_000
    tracks: int = 5_000
    likes: int = 300_000
    deleted_share: float = 0.01
    private_share: float = 0.01
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class TasteWorld:
    """Who likes what: `tracks_of[u]` and `users_of[t]` are places (int64), the latest like first.

    `style_of` [tracks] is the number of a style; `is_deleted` [users] and `is_private` [tracks] mark what the API does
    not show.
    """

    size: WorldSize
    tracks_of: list[NDArray[np.int64]]
    users_of: list[NDArray[np.int64]]
    style_of: NDArray[np.int64]
    is_deleted: NDArray[np.bool_]
    is_private: NDArray[np.bool_]

    def piece_of(self, track: int) -> Piece:
        """Return the piece of the demo's music that a track sounds like."""
        return pieces()[int(self.style_of[track]) * PIECES_PER_STYLE + track % PIECES_PER_STYLE]

    def reachable(self, user: int, depth: int) -> set[tuple[int, int]]:
        """Return the `(user, track)` that a walk of `depth` steps from `user` sees, asking for likes, then likers."""
        pairs: set[tuple[int, int]] = set()
        visited_users, visited_tracks = {user}, set[int]()
        users, tracks = {user}, set[int]()
        for step in range(depth + 1):
            if step % 2 == 0:
                tracks = set()
                for one in users:
                    if not self.is_deleted[one]:
                        pairs.update((one, int(track)) for track in self.tracks_of[one])
                        tracks.update(int(track) for track in self.tracks_of[one])
                tracks -= visited_tracks
                visited_tracks |= tracks
            else:
                users = set()
                for one in tracks:
                    pairs.update((int(fan), one) for fan in self.users_of[one])
                    users.update(int(fan) for fan in self.users_of[one])
                users -= visited_users
                visited_users |= users
        return pairs


def make_world(size: WorldSize | None = None) -> TasteWorld:
    """Return a world, always the same for a size."""
    size = size or WorldSize()
    rng = np.random.default_rng(size.seed)
    style_of = rng.integers(len(STYLES), size=size.tracks)
    home = rng.integers(len(STYLES), size=size.users)
    second = rng.integers(len(STYLES), size=size.users)
    popularity = _power_law(rng, size.tracks, _POPULARITY_EXPONENT)
    activity = _power_law(rng, size.users, _ACTIVITY_EXPONENT)
    pairs = np.empty(0, dtype=np.int64)
    for _ in range(_ROUNDS):
        missing = size.likes - len(pairs)
        if missing <= 0:
            break
        users = rng.choice(size.users, size=missing, p=activity)
        styles = np.where(rng.random(missing) < _SECOND_STYLE_CHANCE, second[users], home[users])
        tracks = rng.choice(size.tracks, size=missing, p=popularity)
        for style in range(len(STYLES)):
            likes_in_style = np.flatnonzero((styles == style) & (rng.random(missing) < _IN_STYLE_CHANCE))
            in_style = np.flatnonzero(style_of == style)
            if len(in_style):
                tracks[likes_in_style] = rng.choice(
                    in_style, size=len(likes_in_style), p=popularity[in_style] / popularity[in_style].sum()
                )
        pairs_so_far = np.concatenate([pairs, users * size.tracks + tracks])
        pairs = pairs_so_far[np.sort(np.unique(pairs_so_far, return_index=True)[1])]
    is_deleted = rng.random(size.users) < size.deleted_share
    is_private = rng.random(size.tracks) < size.private_share
    # Walks begin at the first account: it exists, and likes something.
    is_deleted[0] = False
    users, tracks = np.divmod(pairs, size.tracks)
    visible = ~is_private[tracks]
    users, tracks = users[visible], tracks[visible]
    return TasteWorld(
        size=size,
        tracks_of=_group_by_key(users, tracks, size.users),
        users_of=_group_by_key(tracks, users, size.tracks),
        style_of=style_of,
        is_deleted=is_deleted,
        is_private=is_private,
    )


def _power_law(rng: np.random.Generator, count: int, exponent: float) -> NDArray[np.float64]:
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares: NDArray[np.float64] = weights / weights.sum()
    # The first keeps its weight: walks begin at the first account, which is to be an active one.
    shares[1:] = rng.permutation(shares[1:])
    return shares


def _group_by_key(keys: NDArray[np.int64], values: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    order = np.argsort(keys, kind="stable")
    ends = np.cumsum(np.bincount(keys, minlength=count))
    return [part[::-1] for part in np.split(values[order], ends[:-1])]
