"""Whose neighbours foretell what people favourite, and what building them costs.

    python -m soundalike.research.bench.taste [--likes 300k,10M] [--only comparison|building] [--out FILE]

The comparison leaves one favourite of every user out, whichever (SoundCloud does not say when somebody began to like
something), learns from the rest, and looks for it among the twenty tracks that are suggested: to the user, by all that
is left, and beside one track of that, whichever. Parameters are chosen by half of the users, by what is suggested to
them; what is printed is of the other half. Every build runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse

from soundalike.research.bench import clock
from soundalike.sandbox.soundcloud_world import make_world
from soundalike.similarity.taste.builder import build_taste
from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters, find_neighbours
from soundalike.similarity.taste.favorite_pairs import FavoritePairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Score = Callable[[NDArray[np.int64]], NDArray[np.float32]]

SUGGESTED: Final = 20
MIN_LIKES: Final = 5
_BATCH: Final = 500
_USERS_A_LIKE: Final = 30
_TRACKS_A_LIKE: Final = 50
"""Likes a user, and likes a track, of the generated favourites that a build is measured on."""


@dataclass(frozen=True, slots=True)
class Split:
    """What is trained from (float32 [users, tracks]), and of each of `users` [u] the track left out and another."""

    training: sparse.csr_matrix
    users: NDArray[np.int64]
    left_out: NDArray[np.int64]
    likes: NDArray[np.int64]

    def half(self, number: int) -> Split:
        """Return every second user."""
        return replace(
            self, users=self.users[number::2], left_out=self.left_out[number::2], likes=self.likes[number::2]
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares between 0 and 1: recall of left-out tracks, how high they stand, tracks that are ever suggested."""

    recall: float
    ndcg: float
    coverage: float


@dataclass(frozen=True, slots=True)
class TrainedSystem:
    """The scores [n, tracks] of all tracks for users [n], and beside tracks [n]."""

    for_users: Score
    beside_tracks: Score


@dataclass(frozen=True, slots=True)
class System:
    """A way to suggest, with its parameters; `fit` takes what is known, float32 [users, tracks]."""

    name: str
    setting: str
    fit: Callable[[sparse.csr_matrix], TrainedSystem]


def split(seed: int = 1) -> Split:
    """Leave one favourite out of every user of the sandbox's world who has five or more."""
    world = make_world()
    rng = np.random.default_rng(seed)
    rows, columns, users, left_out, seeds = [], [], [], [], []
    for user, liked in enumerate(world.tracks_of):
        likes = liked
        if len(liked) >= MIN_LIKES:
            place = int(rng.integers(len(liked)))
            users.append(user)
            left_out.append(int(liked[place]))
            likes = np.delete(liked, place)
            seeds.append(int(likes[rng.integers(len(likes))]))
        rows.append(np.full(len(likes), user))
        columns.append(likes)
    pairs = (np.concatenate(rows), np.concatenate(columns))
    trained = sparse.csr_matrix(
        (np.ones(len(pairs[0]), np.float32), pairs), shape=(world.size.users, world.size.tracks)
    )
    order = rng.permutation(len(users))
    return Split(trained, *(np.array(each)[order] for each in (users, left_out, seeds)))


def systems() -> list[System]:
    """Return everything that is compared, most of it with several parameters."""
    systems = [System("popularity", "", _popularity)]
    for count in (50, 100, 200):
        systems.append(_near(CooccurrenceParameters(method="cosine", neighbours=count)))
        systems.append(_near(CooccurrenceParameters(method="tfidf", neighbours=count)))
        systems += [
            _near(CooccurrenceParameters(method="bm25", neighbours=count, k1=k1, b=b))
            for k1, b in product((0.1, 0.5, 1.2), (0.0, 0.2, 0.5, 0.75))
        ]
    systems += [
        System(
            "als", f"{factors} factors, alpha {alpha:g}, regularization {strength:g}", _als(factors, alpha, strength)
        )
        for factors, alpha, strength in product((4, 8, 16, 32), (1.0, 10.0), (1.0, 10.0))
    ]
    return systems


def measure(score: Score, queries: NDArray[np.int64], split_data: Split) -> Measured:
    """Look for what was left out among what is suggested for `queries` [u], the users or the tracks they like."""
    parts = [slice(start, start + _BATCH) for start in range(0, len(queries), _BATCH)]
    shown = np.vstack([_best(score(queries[part]), split_data.training[split_data.users[part]]) for part in parts])
    hit = shown == split_data.left_out[:, np.newaxis]
    gains = 1 / np.log2(np.arange(SUGGESTED) + 2)
    return Measured(
        float(hit.any(axis=1).mean()),
        float((hit * gains).sum(axis=1).mean()),
        len(np.unique(shown)) / split_data.training.shape[1],
    )


def compare() -> str:
    """Return the table, every method with the parameters that half of the users chose for it."""
    split_data = split()
    validation, test = split_data.half(0), split_data.half(1)
    chosen: dict[str, tuple[float, System, TrainedSystem]] = {}
    for system in systems():
        trained = system.fit(split_data.training)
        ndcg = measure(trained.for_users, validation.users, validation).ndcg
        beside = measure(trained.beside_tracks, validation.likes, validation).ndcg
        print(f"{system.name:12}{system.setting:45}nDCG {ndcg:.4f}, beside a track {beside:.4f}", flush=True)
        if system.name not in chosen or ndcg > chosen[system.name][0]:
            chosen[system.name] = ndcg, system, trained
    lines = [
        "| method | chosen | nDCG@20 before | recall@20 | nDCG@20 | coverage | beside a track | nDCG@20 | coverage |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for ndcg, system, trained in chosen.values():
        setting = system.setting or "nothing to choose"
        cells = [system.name, setting, f"{ndcg:.4f}"]
        for each in (
            measure(trained.for_users, test.users, test),
            measure(trained.beside_tracks, test.likes, test),
        ):
            cells += [f"{each.recall:.4f}", f"{each.ndcg:.4f}", f"{each.coverage:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append(f"\n{len(test.users):,} users, {split_data.training.nnz:,} favourites trained from.")
    return "\n".join(lines)


def generated(likes: int, seed: int = 1) -> FavoritePairs:
    """Return that many favourites in which users and tracks follow power laws, about 30 a user and 50 a track."""
    rng = np.random.default_rng(seed)
    users, tracks = likes // _USERS_A_LIKE, likes // _TRACKS_A_LIKE
    pairs = np.empty(0, np.int64)
    while len(pairs) < likes:
        missing = int(1.05 * (likes - len(pairs))) + 1
        drawn = _drawn(rng, users, 0.7, missing) * tracks + _drawn(rng, tracks, 0.8, missing)
        pairs = np.unique(np.concatenate([pairs, drawn]))
    pairs = np.sort(rng.permutation(pairs)[:likes])
    urns = [f"soundcloud:tracks:{1_000_000_000 + number}" for number in range(tracks)]
    return FavoritePairs((pairs // tracks).astype(np.int32), (pairs % tracks).astype(np.int32), urns)


def build(likes: int) -> str:
    """Build once and return a row: what it took, and how large the files are."""
    split_data = generated(likes)
    before, begun = clock.resident_mb(), clock.now()
    with tempfile.TemporaryDirectory() as folder:
        manifest = build_taste(Path(folder), "measured", datetime.now(UTC), split_data, CooccurrenceParameters())
        spent = clock.now() - begun
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    return (
        f"| {likes:,} | {manifest.users:,} | {manifest.tracks:,} | {manifest.pairs:,} | {spent.cpu:.1f} "
        f"| {spent.wall:.1f} | {before:.0f} | {_peak_mb():.0f} | {size:.1f} |"
    )


def builds(sizes: Iterable[int]) -> str:
    """Return the table of builds."""
    lines = [
        "| likes | users | tracks | pairs kept | processor, s | wall, s | MB before | MB at most | files, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for likes in sizes:
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:
            lines.append(apart.submit(build, likes).result())
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the section where a file is named."""
    arguments = argparse.ArgumentParser(description="Whose neighbours foretell favourites, and what building costs.")
    arguments.add_argument("--likes", default="300k,10M", help="how many favourites to build of, e.g. 300k,10M")
    arguments.add_argument("--only", choices=["comparison", "building"])
    arguments.add_argument("--out", type=Path, help="where to write the tables")
    split_data = arguments.parse_args()
    os.nice(10)
    tables = []
    if split_data.only != "building":
        tables.append(compare())
    if split_data.only != "comparison":
        tables.append(builds(_number(each) for each in split_data.likes.split(",")))
    text = "\n\n".join(tables) + "\n"
    print(text)
    if split_data.out:
        split_data.out.write_text(text, encoding="utf-8")


def _near(parameters: CooccurrenceParameters) -> System:
    setting = f"{parameters.neighbours} neighbours"
    if parameters.method == "bm25":
        setting += f", k1 {parameters.k1:g}, b {parameters.b:g}"

    def learn(trained: sparse.csr_matrix) -> TrainedSystem:
        pairs = trained.tocoo()
        urns = [str(number) for number in range(trained.shape[1])]
        neighbours = find_neighbours(
            FavoritePairs(pairs.row.astype(np.int32), pairs.col.astype(np.int32), urns), parameters
        )
        square = (trained.shape[1], trained.shape[1])
        similar = sparse.csr_matrix((neighbours.similarities, neighbours.numbers, neighbours.starts), shape=square)
        return TrainedSystem(
            lambda users: (trained[users] @ similar).toarray(), lambda tracks: similar[tracks].toarray()
        )

    return System(parameters.method, setting, learn)


def _popularity(trained: sparse.csr_matrix) -> TrainedSystem:
    fans = np.asarray(trained.sum(axis=0)).ravel()

    def score(queries: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.tile(fans, (len(queries), 1))

    return TrainedSystem(score, score)


def _als(factors: int, alpha: float, strength: float) -> Callable[[sparse.csr_matrix], TrainedSystem]:
    def learn(trained: sparse.csr_matrix) -> TrainedSystem:
        from implicit.cpu.als import AlternatingLeastSquares

        model: Any = AlternatingLeastSquares(
            factors=factors, alpha=alpha, regularization=strength, iterations=20, num_threads=1, random_state=1
        )
        model.fit(trained, show_progress=False)
        lengths = np.linalg.norm(model.item_factors, axis=1, keepdims=True)
        directions = model.item_factors / np.maximum(lengths, 1e-12)
        return TrainedSystem(
            lambda users: model.user_factors[users] @ model.item_factors.T,
            lambda tracks: directions[tracks] @ directions.T,
        )

    return learn


def _best(scores: NDArray[np.float32], liked: sparse.csr_matrix) -> NDArray[np.int64]:
    scores[liked.nonzero()] = -np.inf
    best = np.argpartition(-scores, SUGGESTED, axis=1)[:, :SUGGESTED]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    ordered: NDArray[np.int64] = np.take_along_axis(best, order, axis=1)
    return ordered


def _drawn(rng: np.random.Generator, count: int, exponent: float, many: int) -> NDArray[np.int64]:
    heights = np.cumsum(np.arange(1, count + 1, dtype=np.float64) ** -exponent)
    drawn: NDArray[np.int64] = np.searchsorted(heights, rng.random(many) * heights[-1])
    return drawn


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _number(text: str) -> int:
    return round(float(text.rstrip("kM")) * {"k": 1_000, "M": 1_000_000}.get(text[-1:], 1))


if __name__ == "__main__":
    main()
