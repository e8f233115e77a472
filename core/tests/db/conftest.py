from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import database, schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.db.database import Pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    await schema.upgrade(database_url)
    async with database.connect(database_url) as opened:
        yield opened
