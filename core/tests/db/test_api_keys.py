from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from soundalike.db import api_keys
from soundalike.db.api_keys import Scope, ValidKey
from soundalike.errors import TooManyKeys

if TYPE_CHECKING:
    from soundalike.db.database import Pool


async def add(pool: Pool, holder: str, scope: Scope = Scope.WRITE, days: int | None = None) -> str:
    async with pool.acquire() as connection:
        return await api_keys.add(connection, holder, scope, days=days)


async def test_a_key_is_recognised_by_its_hash_and_kept_nowhere(pool: Pool) -> None:
    key = await add(pool, "importer")
    assert re.fullmatch(r"soundalike_[0-9a-f]{8}_[0-9a-f]{64}", key)
    assert await api_keys.list_valid(pool) == [
        ValidKey(key.split("_")[1], api_keys.digest(key), "importer", Scope.WRITE)
    ]
    (stored,) = await api_keys.list_keys(pool)
    assert stored.id == key.split("_")[1]
    assert stored.valid
    stored = str(await pool.fetchrow("SELECT * FROM api_keys"))
    assert key.split("_")[2] not in stored


async def test_two_keys_of_a_holder_are_valid_while_they_are_rotated_and_no_third(pool: Pool) -> None:
    first, second = await add(pool, "importer"), await add(pool, "importer")
    with pytest.raises(TooManyKeys, match="revoke"):
        await add(pool, "importer")
    await add(pool, "somebody else")
    assert await api_keys.revoke(pool, first.split("_")[1])
    third = await add(pool, "importer")
    digests = {key.digest for key in await api_keys.list_valid(pool) if key.holder == "importer"}
    assert digests == {api_keys.digest(second), api_keys.digest(third)}


async def test_keys_made_at_the_same_moment_are_still_two(pool: Pool) -> None:
    made = await asyncio.gather(*(add(pool, "importer") for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in made) == 2
    assert sum(isinstance(each, TooManyKeys) for each in made) == 2


async def test_a_revoked_key_stays_listed_and_is_revoked_once(pool: Pool) -> None:
    name = (await add(pool, "reader", Scope.READ)).split("_")[1]
    assert await api_keys.revoke(pool, name)
    assert not await api_keys.revoke(pool, name)
    assert not await api_keys.revoke(pool, "unknown")
    assert await api_keys.list_valid(pool) == []
    (stored,) = await api_keys.list_keys(pool)
    assert (stored.valid, stored.scope, stored.revoked_at is None) == (False, Scope.READ, False)


async def test_a_key_ends_by_itself(pool: Pool) -> None:
    await add(pool, "guest", days=1)
    assert len(await api_keys.list_valid(pool)) == 1
    await pool.execute("UPDATE api_keys SET expires_at = now() - interval '1 second'")
    assert await api_keys.list_valid(pool) == []
    assert [key.valid for key in await api_keys.list_keys(pool)] == [False]
