"""How the platform stands, for people and for programs."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from catalog import database
from catalog.database import CONNECTION_FAILURES
from catalog.errors import CatalogError
from catalog.overview import Overview, overview
from catalog.provisioning import ProvisioningSettings
from catalog.queue import SqsQueue
from catalog.settings import load
from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from standalone.running import RunningPlatform


class StatusUnavailable(StandaloneError):
    """Database or queue of the platform do not answer."""


async def gather(platform: RunningPlatform) -> Overview:
    """Ask database and queues of a platform; raises `StatusUnavailable`."""
    # boto3 and the settings read the process's own environment, and this process serves one command only.
    environment = platform.child_environment(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    settings = load(ProvisioningSettings)
    try:
        queue = await SqsQueue.connect(settings)
        dead_letters = await SqsQueue.connect(settings, dead_letters=True)
        async with database.connect(settings.database_url.get_secret_value(), size=1) as pool:
            return await overview(pool, queue, dead_letters)
    except CatalogError as error:
        raise StatusUnavailable(f"The platform does not answer: {error}") from error
    except CONNECTION_FAILURES as error:
        raise StatusUnavailable(f"The database does not answer: {error}") from error


def render(status: Overview) -> str:
    """Write the status as a small table; the counts above the line add up to the total below it."""
    width = max(len(state.value) for state in status.by_state)
    counts = [f"  {state.value:<{width}}  {count:>7}" for state, count in status.by_state.items()]
    queue = status.queue
    heard = status.model or "no model yet"
    index = f"{status.version}: {status.in_version} tracks" if status.version else "not built yet"
    return "\n".join(
        [
            "tracks",
            *counts,
            f"  {'':-<{width + 9}}",
            f"  {'total':<{width}}  {status.total:>7}",
            f"queue         {queue.visible} waiting, {queue.in_flight} in work, {queue.delayed} delayed",
            f"dead letters  {status.dead_letters}",
            f"model         {heard}",
            f"index         {index}, {status.tail} in the tail",
        ]
    )


def as_json(status: Overview) -> dict[str, object]:
    """Return the status as JSON can hold it."""
    return {**asdict(status), "by_state": {state.value: count for state, count in status.by_state.items()}}
