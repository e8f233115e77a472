"""The scale on which a snapshot's answers are scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from features.calibration import Calibration, digest
from features.shipped import shipped_calibration

if TYPE_CHECKING:
    from api.snapshot import Snapshot

_SAMPLE: Final = 2_048


class Scale:
    """Keeps the calibration of the snapshot that is answered from.

    That is the one which is shipped for the model, so that scores are the same for every version and every catalogue.
    Where none is, or the version has a projection of its own, it is measured on a sample of the version; of the tail
    as long as there is no version, again whenever that has doubled.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[object, ...], Calibration] | None = None

    def of(self, snapshot: Snapshot) -> Calibration:
        """Return the calibration; takes milliseconds once for each version, so call it in a thread."""
        grown = 0 if snapshot.version_name else len(snapshot.tail).bit_length()
        key = (snapshot.model.model, snapshot.version_name, grown)
        kept = self._kept
        # Threads that find it missing at the same time all measure the same.
        if kept is None or kept[0] != key:
            kept = self._kept = (key, _measured(snapshot))
        return kept[1]


def _measured(snapshot: Snapshot) -> Calibration:
    shipped = shipped_calibration(snapshot.model.model)
    if shipped is not None and shipped.projection == digest(snapshot.projection):
        return shipped
    return Calibration.measure(snapshot.sample(_SAMPLE), snapshot.projection)
