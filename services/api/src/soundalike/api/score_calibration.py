"""The scale on which a snapshot's answers are scored and explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.similarity.builtin import builtin_calibration
from soundalike.similarity.calibration import Calibration, projection_digest
from soundalike.similarity.layer_calibration import LayerCalibration

if TYPE_CHECKING:
    from soundalike.api.snapshot import Snapshot

_SAMPLE: Final = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class ScoreScale:
    """How alike tracks are altogether, and in each layer of the network."""

    calibration: Calibration
    layers: LayerCalibration


class ScaleCache:
    """Keeps the scale of the snapshot that is answered from.

    That is the one which is shipped for the model, so that scores are the same for every version and every catalogue.
    Where none is, or the version has a projection of its own, it is measured on a sample of the version; of the tail
    as long as there is no version, again whenever that has doubled.
    """

    def __init__(self) -> None:
        self._entry: tuple[tuple[object, ...], ScoreScale] | None = None

    def get(self, snapshot: Snapshot) -> ScoreScale | None:
        """Return the scale, or None where it has to be measured first."""
        entry = self._entry
        return entry[1] if entry is not None and entry[0] == _key(snapshot) else None

    def measure(self, snapshot: Snapshot) -> ScoreScale:
        """Measure the scale and keep it; takes milliseconds, once for each version, so call it in a thread."""
        # Threads that find it missing at the same time all measure the same.
        calibration = _calibration(snapshot)
        scale = ScoreScale(calibration, LayerCalibration.of(calibration, snapshot.projection))
        self._entry = (_key(snapshot), scale)
        return scale


def _key(snapshot: Snapshot) -> tuple[object, ...]:
    grown = 0 if snapshot.version_name else len(snapshot.tail).bit_length()
    return snapshot.model.model, snapshot.version_name, grown


def _calibration(snapshot: Snapshot) -> Calibration:
    shipped = builtin_calibration(snapshot.model.model)
    if shipped is not None and shipped.projection == projection_digest(snapshot.projection):
        return shipped
    return Calibration.measure(snapshot.sample(_SAMPLE), snapshot.projection)
