"""Regular checks that bucket, queues and notification exist; what is missing is created again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import SoundalikeError
from soundalike.provisioning.inspection import Inspector
from soundalike.provisioning.resources import repair
from soundalike.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.db.database import Executor
    from soundalike.settings import QueueSettings

log = logging.getLogger(__name__)

CHECK_INTERVAL_S: Final = 5.0
"""Seconds between two checks: so long it takes at most until a loss is noticed."""

_EXPECTED_FAILURES: Final[tuple[type[Exception], ...]] = (SoundalikeError, *CONNECTION_FAILURES)
_FAILURE_BACKOFF: Final = Backoff(initial_s=CHECK_INTERVAL_S, max_s=60.0, jitter=0.0)


class Upkeep:
    """Keeps what the services need in existence; any number may run side by side."""

    def __init__(self, db: Executor, settings: QueueSettings, *, backoff: Backoff = _FAILURE_BACKOFF) -> None:
        self._db = db
        self._settings = settings
        self._inspector = Inspector(settings)
        self._backoff = backoff

    async def run(self, on_repair: Callable[[], None]) -> None:
        """Check for ever; `on_repair` is called after something was created again. Failures are logged."""
        failures = 0
        while True:
            try:
                if await self.check():
                    on_repair()
            except _EXPECTED_FAILURES as error:
                failures += 1
                log.warning("bucket and queues could not be checked: %s", error)
            else:
                failures = 0
            await asyncio.sleep(self._backoff.delay_s(max(1, failures)))

    async def check(self) -> bool:
        """Create what is missing and tell whether anything was.

        Raises `StoreUnavailable`, `ProvisioningRefused` and what the database raises.
        """
        missing = await asyncio.to_thread(self._inspector.missing)
        if missing:
            await repair(self._db, self._settings, missing)
        return bool(missing)
