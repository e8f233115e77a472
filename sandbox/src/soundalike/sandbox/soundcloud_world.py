"""An invented SoundCloud: accounts, tracks, and who likes what, with communities of taste and a few stars.

How often a track is liked and how much an account likes follow power laws. Every account has one or two styles of the
demo's music that most of its likes come from, so that taste and sound agree as far as they do among people.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soundalike.sandbox.catalogue import PIECES_PER_STYLE, Piece, pieces
from soundalike.sandbox.styles import STYLES

FIRST_TRACK: Final = 1_000_000_001
FIRST_USER: Final = 3_000_000_001
"""Numbers beyond 32 bits, as the real ones have been for years."""

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
        seen: set[tuple[int, int]] = set()
        asked_users, asked_tracks = {user}, set[int]()
        users, tracks = {user}, set[int]()
        for step in range(depth + 1):
            if step % 2 == 0:
                tracks = set()
                for one in users:
                    if not self.is_deleted[one]:
                        seen.update((one, int(track)) for track in self.tracks_of[one])
                        tracks.update(int(track) for track in self.tracks_of[one])
                tracks -= asked_tracks
                asked_tracks |= tracks
            else:
                users = set()
                for one in tracks:
                    seen.update((int(fan), one) for fan in self.users_of[one])
                    users.update(int(fan) for fan in self.users_of[one])
                users -= asked_users
                asked_users |= users
        return seen


def make_world(size: WorldSize | None = None) -> TasteWorld:
    """Return a world; the same one for the same size."""
    size = size or WorldSize()
    rng = np.random.default_rng(size.seed)
    style_of = rng.integers(len(STYLES), size=size.tracks)
    home = rng.integers(len(STYLES), size=size.users)
    second = rng.integers(len(STYLES), size=size.users)
    fame = _power_law(rng, size.tracks, _POPULARITY_EXPONENT)
    zeal = _power_law(rng, size.users, _ACTIVITY_EXPONENT)
    pairs = np.empty(0, dtype=np.int64)
    for _ in range(_ROUNDS):
        missing = size.likes - len(pairs)
        if missing <= 0:
            break
        users = rng.choice(size.users, size=missing, p=zeal)
        styles = np.where(rng.random(missing) < _SECOND_STYLE_CHANCE, second[users], home[users])
        tracks = rng.choice(size.tracks, size=missing, p=fame)
        for style in range(len(STYLES)):
            faithful = np.flatnonzero((styles == style) & (rng.random(missing) < _IN_STYLE_CHANCE))
            shelf = np.flatnonzero(style_of == style)
            if len(shelf):
                tracks[faithful] = rng.choice(shelf, size=len(faithful), p=fame[shelf] / fame[shelf].sum())
        drawn = np.concatenate([pairs, users * size.tracks + tracks])
        pairs = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    gone = rng.random(size.users) < size.deleted_share
    hidden = rng.random(size.tracks) < size.private_share
    # The first account is where walks begin: it is there, and likes something.
    gone[0] = False
    users, tracks = np.divmod(pairs, size.tracks)
    shown = ~hidden[tracks]
    users, tracks = users[shown], tracks[shown]
    return TasteWorld(
        size=size,
        tracks_of=_group_by_key(users, tracks, size.users),
        users_of=_group_by_key(tracks, users, size.tracks),
        style_of=style_of,
        is_deleted=gone,
        is_private=hidden,
    )


def _power_law(rng: np.random.Generator, count: int, exponent: float) -> NDArray[np.float64]:
    weights = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares: NDArray[np.float64] = weights / weights.sum()
    # The first place keeps its weight, so that the account that walks begin from is a zealous one.
    shares[1:] = rng.permutation(shares[1:])
    return shares


def _group_by_key(keys: NDArray[np.int64], values: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    order = np.argsort(keys, kind="stable")
    ends = np.cumsum(np.bincount(keys, minlength=count))
    return [part[::-1] for part in np.split(values[order], ends[:-1])]
