from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from api.app import create_app

from .conftest import eventually, is_ready, serving

if TYPE_CHECKING:
    from api.settings import ApiSettings

    from .conftest import Platform

CALLERS = 40
REQUESTS = 400


async def test_nobody_who_waits_for_the_database_is_overtaken_by_those_who_come_later(
    platform: Platform, settings: ApiSettings
) -> None:
    app = create_app(settings, platform.store)
    async with serving(app) as client:
        await eventually(lambda: is_ready(client))
        async with app.state.live.database() as pool:
            # All connections are there: opening one takes longer than many requests.
            await asyncio.gather(*(pool.fetch("SELECT pg_sleep(0.1)") for _ in range(CALLERS)))
        numbers, answered = count(), []

        async def ask_again_and_again() -> None:
            while (number := next(numbers)) < REQUESTS:
                async with app.state.live.database() as pool:
                    await pool.fetch("SELECT 1")
                answered.append(number)

        await asyncio.gather(*(ask_again_and_again() for _ in range(CALLERS)))
    assert sorted(answered) == list(range(REQUESTS))
    assert max(place - number for place, number in enumerate(answered)) <= CALLERS
