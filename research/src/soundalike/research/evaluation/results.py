"""The outcome of a run: every system's numbers with their intervals, and the differences between any two."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from soundalike.research.evaluation import measures
from soundalike.research.evaluation.bootstrap import RESAMPLES, resample
from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.protocols import CHANNEL_EQUAL, FULL_BAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.research.evaluation.bootstrap import Estimate, Resampled
    from soundalike.research.evaluation.corpus import Skipped
    from soundalike.research.evaluation.system_scores import SystemScores
    from soundalike.research.evaluation.system_types import Judged


@dataclass(frozen=True, slots=True)
class RunDescription:
    """What was measured on, and how to do it again; names no path of the machine.

    `known` of the tracks are music that a system learnt from; `collections` counts the tracks of each collection.
    """

    command: str
    tracks: int
    albums: int
    judged_tracks: int
    judged_albums: int
    seed: int
    folds: int
    skipped: tuple[Skipped, ...] = ()
    resamples: int = RESAMPLES
    known: int = 0
    collections: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What one system got, by key of the measure; a measure that this corpus has nothing to ask for is left out.

    `cost` is that of a clip from file to vector, in multiples of decoding it.
    """

    system: Judged
    resampled: Mapping[str, Resampled]
    notes: tuple[str, ...] = ()
    cost: float | None = None

    def estimate(self, key: str) -> Estimate | None:
        """Return a number with its interval, None where there was nothing to ask."""
        return self.resampled[key].estimate() if key in self.resampled else None


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Everything a report shows of one protocol."""

    run: RunDescription
    scores: Sequence[Scores] = field(default_factory=list)
    protocol: str = FULL_BAND

    def of(self, name: str) -> Scores:
        """Return the scores of a system by its name; raises KeyError."""
        for scores in self.scores:
            if scores.system.name == name:
                return scores
        raise KeyError(name)

    def is_trained_on_corpus(self, scores: Scores) -> bool:
        """Tell whether a system learnt from music that it is judged on here, so that its numbers say little."""
        return any(self.run.collections.get(name, 0) for name in scores.system.learnt_from)

    def differences(self) -> Iterator[tuple[str, str, str, Estimate]]:
        """Yield (system, against, measure, difference) for every pair of systems and every measure of both."""
        for against, system in combinations(self.scores, 2):
            for key in system.resampled.keys() & against.resampled.keys():
                yield system.system.name, against.system.name, key, difference(system, against, key)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for `json.dump`."""
        made = self.run
        return {
            "command": made.command,
            "corpus": {
                "tracks": made.tracks,
                "albums": made.albums,
                "judged_tracks": made.judged_tracks,
                "judged_albums": made.judged_albums,
                "learnt_from": made.known,
                "collections": dict(made.collections),
                "skipped": [{"path": one.path, "reason": one.reason} for one in made.skipped],
            },
            "seed": made.seed,
            "folds": made.folds,
            "resamples": made.resamples,
            **self._plain_scores(),
        }

    def _plain_scores(self) -> dict[str, Any]:
        return {
            "systems": [
                {
                    "name": scores.system.name,
                    "says": scores.system.description,
                    "heard_this_music_before": self.is_trained_on_corpus(scores),
                    "learnt_from": sorted(scores.system.learnt_from),
                    "cost": scores.cost,
                    "extractor": "+".join(extractor.id for extractor in scores.system.extractors),
                    "chosen_in_folds": list(scores.notes),
                    "measures": {key: _plain(one.estimate()) for key, one in scores.resampled.items()},
                }
                for scores in self.scores
            ],
            "differences": [
                {"system": system, "against": against, "measure": key, **_plain(estimate)}
                for system, against, key, estimate in sorted(self.differences(), key=lambda one: one[:3])
            ],
        }


def to_json(protocols: Sequence[Results]) -> dict[str, Any]:
    """Return plain values of a run: those at full band, and beside them those with the channel made equal."""
    by_name = {results.protocol: results for results in protocols}
    equal = by_name[CHANNEL_EQUAL]._plain_scores()  # noqa: SLF001 - the same module
    return {**by_name[FULL_BAND].to_json(), "channel_equal": equal}


def score(
    system: Judged,
    judgement: SystemScores,
    albums: NDArray[Any],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    cost: float | None = None,
) -> Scores:
    """Resample every measure of a system over `albums` int [n]."""
    resampled = {}
    for measure in measures.ALL:
        if measure.key not in judgement.values:
            continue
        values = judgement.values[measure.key]
        try:
            resampled[measure.key] = resample(values, albums, measure.summary, seed=seed, resamples=resamples)
        except TooLittleData:
            continue  # this corpus names too few artists, or its recordings are too short to be shifted
    return Scores(system, resampled, judgement.notes, cost)


def difference(system: Scores, against: Scores, key: str) -> Estimate:
    """Return the paired difference of two systems in one measure."""
    return system.resampled[key].minus(against.resampled[key])


def _plain(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
