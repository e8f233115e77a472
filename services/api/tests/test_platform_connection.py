from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from soundalike.api.app import create_app
from soundalike.testing.wait import eventually

from .conftest import is_ready, serving

if TYPE_CHECKING:
    from soundalike.api.settings import ApiSettings

    from .conftest import Platform

CALLERS = 40
REQUESTS = 400


async def test_the_pool_is_lent_to_as_many_requests_as_it_has_connections(
    platform: Platform, settings: ApiSettings
) -> None:
    app = create_app(settings, platform.store)
    numbers, served = count(), []
    inside, most_inside = set(), 0

    async def ask_again_and_again() -> None:
        nonlocal most_inside
        while (number := next(numbers)) < REQUESTS:
            async with app.state.platform.database() as pool:
                # A connection is free, so that nobody who comes later can be given it first.
                served.append(number)
                inside.add(number)
                most_inside = max(most_inside, len(inside))
                await pool.fetch("SELECT 1")
                inside.remove(number)

    async with serving(app) as client:
        await eventually(lambda: is_ready(client))
        await asyncio.gather(*(ask_again_and_again() for _ in range(CALLERS)))
    assert served == list(range(REQUESTS))
    assert most_inside == 10
