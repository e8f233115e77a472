"""Command line of the setup of schema, bucket and queues."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike import logs
from soundalike.db import database, schema, search_names
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import SoundalikeError, TransientError
from soundalike.provisioning import digests
from soundalike.provisioning.inspection import Inspector
from soundalike.provisioning.resources import ProvisioningSettings, repair
from soundalike.retry import Backoff, RetryPolicy
from soundalike.settings import load
from soundalike.storage.object_store import S3Store
from soundalike.terminal import echo, escaped_tracebacks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

# Five minutes: a database that was killed may have much to replay.
_RETRY: Final = RetryPolicy(attempts=65, backoff=Backoff(initial_s=0.5, max_s=5.0, jitter=0.0))
_PASSING: Final[tuple[type[Exception], ...]] = (TransientError, *CONNECTION_FAILURES)
_EXPECTED_FAILURES: Final[tuple[type[Exception], ...]] = (SoundalikeError, asyncpg.PostgresError, *CONNECTION_FAILURES)


def main() -> None:
    """Provision everything; there are no options."""
    if sys.argv[1:]:
        echo("usage: python -m soundalike.provisioning (the settings come from the environment)", err=True)
        raise SystemExit(2)
    logs.configure("provisioning")
    settings = load(ProvisioningSettings)
    with escaped_tracebacks():
        try:
            asyncio.run(provision_with_retry(lambda: provision(settings), _RETRY))
        except _EXPECTED_FAILURES as error:
            log.error("provisioning failed: %s", error)  # noqa: TRY400 - an expected failure
            raise SystemExit(1) from error


async def provision(settings: ProvisioningSettings) -> None:
    """Set up database, bucket and queues as the services expect them; safe to repeat and to run twice at once.

    Raises `DatabaseUnavailable` or what connecting raises, `StoreUnavailable`, and `ProvisioningRefused`.
    """
    url = settings.database_url.get_secret_value()
    await schema.upgrade(url)
    log.info("database schema is at revision %s", schema.revisions()[-1])
    async with database.connect(url, size=1) as pool:
        await repair(pool, settings, await asyncio.to_thread(Inspector(settings).missing))
        if filled := await search_names.refresh(pool):
            log.info("prepared the names of %d tracks for search", filled)
        await digests.record_missing(pool, S3Store.connect(settings))


async def provision_with_retry(work: Callable[[], Awaitable[None]], retry: RetryPolicy) -> None:
    """Do `work`, again while database or object store do not answer; each failure is logged."""

    async def attempt() -> None:
        try:
            await work()
        except _PASSING as error:
            log.warning("waiting for database and object store: %s", str(error) or type(error).__name__)
            raise

    await retry.run(attempt, _PASSING)
