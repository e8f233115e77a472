"""Who is recommended how often, by ways of ordering the same vectors, and what each does to quality.

    soundalike extract CORPUS --out vectors.npz
    python -m soundalike.research.bench.hubs vectors.npz --albums CORPUS/tracks.csv [--out CALIBRATION.npz] [--json
    hubs.json]

`--out` writes what `similarity.builtin.builtin_calibration` ships, measured on these vectors. The part "held out" fits
projection and calibration on one half of the albums and orders the other half, over random halves.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from soundalike.research.evaluation import summaries
from soundalike.research.evaluation.bootstrap import resample
from soundalike.research.evaluation.corpus import is_query
from soundalike.research.evaluation.hubness import occurrences
from soundalike.research.evaluation.metrics import average_precision, precision_at
from soundalike.research.evaluation.ranking import order_others
from soundalike.similarity.builtin import builtin_projection
from soundalike.similarity.calibration import Calibration, standardised_similarity
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.similarity.projection import Projection

    Likeness = NDArray[np.floating]
    Ways = Mapping[str, Callable[[NDArray[np.float32], Calibration], Likeness]]

COSINE: Final = "cosine"
OURS: Final = "standardised (ours)"
_TOP: Final = 10
_HALVES: Final = 30
_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way of ordering n tracks: quality, and the lists of ten that a track stands in (`mean_n10` is always 10)."""

    way: str
    tracks: int
    map: float
    map_gain: tuple[float, float, float] | None
    p_at_10: float
    skew: float
    largest_n10: float
    unreachable: float


def mutual_proximity(likeness: Likeness) -> Likeness:
    """Return the share of tracks that are less alike to the one, times that of the other (JMLR 2012, empirical)."""
    ranks = likeness.argsort(axis=1).argsort(axis=1) / len(likeness)
    return np.asarray(ranks * ranks.T)


def local_scaling(cosines: Likeness) -> Likeness:
    """Return NICDM (JMLR 2012): distances over the mean distance to the ten nearest of both, negated."""
    distances = np.sqrt(np.maximum(2 - 2 * cosines, 0))
    around = np.sort(distances, axis=1)[:, 1 : _TOP + 1].mean(axis=1)
    return np.asarray(-(distances**2) / np.outer(around, around))


def csls(cosines: Likeness) -> Likeness:
    """Return cross-domain similarity local scaling: twice the cosine less the mean of the ten nearest of both."""
    near = np.sort(cosines, axis=1)[:, -_TOP - 1 : -1].mean(axis=1)
    return np.asarray(2 * cosines - near[:, np.newaxis] - near)


def ours(vectors: NDArray[np.float32], calibration: Calibration) -> Likeness:
    """Return what the API orders by."""
    placed = calibration.calibrate(vectors)
    return standardised_similarity(placed, placed)


WAYS: Final[Ways] = {
    COSINE: lambda vectors, _: vectors @ vectors.T,
    OURS: ours,
    "mutual proximity": lambda vectors, _: mutual_proximity(vectors @ vectors.T),
    "local scaling": lambda vectors, _: local_scaling(vectors @ vectors.T),
    "CSLS": lambda vectors, _: csls(vectors @ vectors.T),
}


def log_odds(likeness: Likeness, albums: NDArray[np.integer]) -> tuple[float, float]:
    """Fit intercept and slope of the log-odds that a pair stands on one album, albums counting alike, odds 1 : 1."""
    ones, others = np.triu_indices(len(albums), 1)
    same = albums[ones] == albums[others]
    pairs_of_album = np.bincount(albums[ones][same], minlength=int(albums.max()) + 1)
    weights = np.where(same, 1 / np.maximum(1, pairs_of_album[albums[ones]]), 1.0)
    weights /= np.where(same, weights[same].sum(), weights[~same].sum())
    inputs = np.stack([np.ones(len(ones)), likeness[ones, others]], axis=1)
    results = np.zeros(2)
    for _ in range(_STEPS):  # Newton's method; the loss is convex
        odds = 1 / (1 + np.exp(-inputs @ results))
        gradient = inputs.T @ (weights * (odds - same))
        results -= np.linalg.solve((inputs * (weights * odds * (1 - odds))[:, np.newaxis]).T @ inputs, gradient)
    return float(results[0]), float(results[1])


def evaluate(way: str, likeness: Likeness, albums: NDArray[np.integer]) -> tuple[Outcome, NDArray[np.float64]]:
    """Order all tracks for all tracks; also returns the average precision of each, NaN where it is no query."""
    count = len(albums)
    order = order_others(likeness, np.arange(count), np.arange(count))
    queries = is_query(albums)
    relevant = albums[order[queries]] == albums[queries, np.newaxis]
    precision = np.full(count, np.nan)
    precision[queries] = average_precision(relevant)
    frequency = occurrences(order[:, :_TOP], count).astype(np.float64)
    skew = float((((frequency - frequency.mean()) / frequency.std()) ** 3).mean())
    results = Outcome(
        way=way,
        tracks=count,
        map=float(np.nanmean(precision)),
        map_gain=None,
        p_at_10=float(precision_at(relevant, _TOP).mean()),
        skew=skew,
        largest_n10=float(frequency.max()),
        unreachable=float((frequency == 0).sum()),
    )
    return results, precision


def all_ways(vectors: NDArray[np.float32], calibration: Calibration, albums: NDArray[np.integer]) -> list[Outcome]:
    """Evaluate every method, with the gain in MAP over the cosine and its 95 % interval over albums."""
    results, base = [], None
    for way, likeness in WAYS.items():
        outcome, precision = evaluate(way, likeness(vectors, calibration), albums)
        resampled = resample(precision, albums, summaries.mean, seed=0)
        base = base or resampled
        gain = resampled.minus(base)
        results.append(Outcome(**{**asdict(outcome), "map_gain": (gain.value, gain.low, gain.high)}))
    return results


def cross_validate(raw: NDArray[np.float32], albums: NDArray[np.integer]) -> list[Outcome]:
    """Evaluate every method on albums that projection and calibration do not know, means over random halves."""
    random = np.random.default_rng(0)
    runs: list[list[Outcome]] = []
    for _ in range(_HALVES):
        known = random.permutation(int(albums.max()) + 1)[albums] % 2 == 0
        projection = EmbeddingProjection().fit(raw[known]).projection_
        calibration = Calibration.measure(projection.apply(raw[known]), projection)
        vectors = projection.apply(raw[~known])
        runs.append([evaluate(way, make(vectors, calibration), albums[~known])[0] for way, make in WAYS.items()])
    return [_mean(each) for each in zip(*runs, strict=True)]


def calibrated(raw: NDArray[np.float32], projection: Projection, albums: NDArray[np.integer]) -> Calibration:
    """Measure the calibration of a projection, with the odds that these albums give."""
    vectors = projection.apply(raw)
    first = Calibration.measure(vectors, projection)
    odds = log_odds(ours(vectors, first), albums)
    return Calibration.measure(vectors, projection, log_odds=odds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path, help="what `soundalike extract` wrote")
    parser.add_argument("--albums", type=Path, required=True, help="tracks.csv with the columns path and album")
    parser.add_argument("--out", type=Path, help="where to write the calibration")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    arguments = parser.parse_args()
    with np.load(arguments.vectors, allow_pickle=False) as archive:
        model, raw, paths = str(archive["model"]), archive["vectors"], [str(path) for path in archive["paths"]]
    raw, albums = _labelled(raw, paths, arguments.albums)
    projection = builtin_projection(model) or EmbeddingProjection().fit(raw).projection_
    calibration = calibrated(raw, projection, albums)
    tables = {"all": all_ways(projection.apply(raw), calibration, albums), "held out": cross_validate(raw, albums)}
    console = Console(width=120)
    for title, outcomes in tables.items():
        console.print(_table(title, outcomes))
    console.print(f"log-odds of one album: {calibration.log_odds[0]:.3f} + {calibration.log_odds[1]:.3f} z")
    if arguments.json:
        results = {"model": model, **{name: [asdict(each) for each in rows] for name, rows in tables.items()}}
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        calibration.save(arguments.out)
        console.print(f"written: {arguments.out.name}")


def _labelled(
    raw: NDArray[np.float32], paths: Sequence[str], table: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the vectors that the table names, copies of a file once, and their albums as numbers from 0."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = {str((table.parent / row["path"]).resolve()): row for row in csv.DictReader(file)}
    first_of: dict[str, int] = {}
    for number, path in enumerate(paths):
        if row := rows.get(str(Path(path).resolve())):
            first_of.setdefault(row.get("sha256") or row["path"], number)
    numbers = list(first_of.values())
    albums = [rows[str(Path(paths[number]).resolve())]["album"] for number in numbers]
    return raw[numbers], np.unique(albums, return_inverse=True)[1].astype(np.int64)


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    numbers = ("map", "p_at_10", "skew", "largest_n10", "unreachable")
    means = {name: float(np.mean([getattr(each, name) for each in outcomes])) for name in numbers}
    tracks = round(float(np.mean([each.tracks for each in outcomes])))
    return Outcome(way=outcomes[0].way, tracks=tracks, map_gain=None, **means)


def _table(title: str, outcomes: Sequence[Outcome]) -> Table:
    table = Table(title=f"{title}: {outcomes[0].tracks} tracks, each in {_TOP} lists on average")
    for column in ("order by", "MAP", "gain over cosine", "P@10", "skew of N10", "largest N10", "unreachable"):
        table.add_column(column, justify="left" if column == "order by" else "right")
    for each in outcomes:
        gain = "" if each.map_gain is None else "{:+.4f} [{:+.4f}, {:+.4f}]".format(*each.map_gain)
        share = each.largest_n10 / each.tracks
        table.add_row(
            each.way,
            f"{each.map:.4f}",
            gain,
            f"{each.p_at_10:.4f}",
            f"{each.skew:.2f}",
            f"{each.largest_n10:.1f} ({share:.1%})",
            f"{each.unreachable:.1f}",
        )
    return table


if __name__ == "__main__":
    main()
