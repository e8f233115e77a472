"""Whether the published version is still in the bucket as it was published."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.db import losses
from soundalike.db.losses import Loss
from soundalike.errors import StoreUnavailable
from soundalike.storage.artifacts.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.db.database import Executor
    from soundalike.storage.object_store import ObjectSummary
    from soundalike.storage.stored_version import StoredVersion

log = logging.getLogger(__name__)

_INTERVAL_S: Final = 10.0
_CONTENTS_INTERVAL_S: Final = 86_400.0


@dataclass(slots=True)
class DamageCheck:
    """Looks at the files every `interval_s` seconds; reads all of them where they are others, and once a day.

    `kind` is what the version is called in the log and among the losses.
    """

    kind: str
    interval_s: float = _INTERVAL_S
    clock: Callable[[], float] = time.monotonic
    _location: str | None = field(default=None, init=False)
    _damage: str | None = field(default=None, init=False)
    _looked_at: float = field(default=0.0, init=False)
    _read: list[ObjectSummary] | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)

    async def find(self, db: Executor, name: str, version: StoredVersion) -> str | None:
        """Return what is wrong with the version of this name, or None; a damage is told and recorded once.

        While the object store does not answer nothing is known to be wrong. Raises what the database raises.
        """
        is_same = version.location == self._location
        if is_same and self.clock() - self._looked_at < self.interval_s:
            return self._damage
        if not is_same:
            self._location, self._damage, self._read = version.location, None, None
        self._looked_at = self.clock()
        try:
            await self._look(version)
        except StoreUnavailable as error:
            log.warning("the files of %s %s could not be checked: %s", self.kind, name, error)
        except ArtifactError as error:
            if self._damage is None:
                log.warning("%s %s is damaged and will be built again: %s", self.kind, name, error)
                await losses.record(db, Loss(self.kind.replace(" ", "_"), name))
            self._damage, self._read = str(error), None
        else:
            self._damage = None
        return self._damage

    async def _look(self, version: StoredVersion) -> None:
        summaries = await version.summaries()
        if summaries == self._read and self.clock() - self._read_at < _CONTENTS_INTERVAL_S:
            return
        await version.check_contents()
        self._read, self._read_at = summaries, self.clock()
