"""Who comes nearest to what is asked about: searched in the snapshot, scored exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from api.errors import NotInSpace
from features.calibration import standardised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from api.snapshot import Snapshot
    from api.wishes import Filter
    from features.calibration import Calibration, Placed

_NARROWEST: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is asked about: the projected vectors [s, d] of tracks `urns` [s], or of one recording that is no track.

    `said` [50] are the tag probabilities of the recording, where the model says any.
    """

    urns: tuple[str, ...]
    vectors: NDArray[np.float32]
    said: Sequence[float] | None = None

    @classmethod
    def tracks(cls, snapshot: Snapshot, urns: Sequence[str], raw: Mapping[str, NDArray[np.float32]]) -> Asked:
        """Find the vectors of tracks; `raw` are raw ones [D] to be used where the snapshot has none.

        Raises `NotInSpace` naming the tracks that have no vector.
        """
        vectors = snapshot.vectors(urns)
        missing = [urn for urn, vector in zip(urns, vectors, strict=True) if np.isnan(vector[0])]
        if unknown := [urn for urn in missing if urn not in raw]:
            raise NotInSpace(unknown)
        for urn in missing:
            vectors[urns.index(urn)] = snapshot.project(raw[urn][np.newaxis])[0]
        return cls(tuple(urns), vectors)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The candidates `urns` [n], best first, their projected vectors `placed` [n] and scores [n] between 0 and 1.

    `nearest` [n] is the number of the vector asked about that each is most like. `ends` tells that those which were
    found but not admitted are so many that further ones would not be either.
    """

    urns: tuple[str, ...]
    placed: Placed
    scores: NDArray[np.float64]
    nearest: NDArray[np.int64]
    ends: bool


def rank(
    snapshot: Snapshot, calibration: Calibration, asked: Asked, only: Filter, *, k: int, min_score: float
) -> Ranking:
    """Return about `k` candidates, without the tracks that are asked about, and without those below `min_score`.

    With several vectors the odds are averaged: they are then the odds that a track is like one of them, whichever.
    """
    count = len(asked.vectors)
    width = k if count == 1 or k >= snapshot.reach else max(_NARROWEST, 2 * k // count)
    found = {match.urn: None for vector in asked.vectors for match in snapshot.search(vector, width)}
    urns = [urn for urn in found if urn not in asked.urns and only.admits_urn(urn)]
    placed = calibration.place(snapshot.vectors(urns))
    likeness = standardised(calibration.place(asked.vectors), placed)
    odds = calibration.odds(likeness).mean(axis=0)
    scores = odds / (1.0 + odds)
    order = np.lexsort((np.array(urns, dtype=np.str_), -scores))[:k]
    admitted = order[scores[order] >= min_score]
    return Ranking(
        urns=tuple(urns[number] for number in admitted),
        placed=placed[admitted],
        scores=scores[admitted],
        nearest=likeness[:, admitted].argmax(axis=0).astype(np.int64),
        ends=2 * len(admitted) < len(order),
    )
