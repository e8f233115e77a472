"""The valid keys in memory, so that recognising a caller asks the database nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.api.errors import DatabaseAway, KeysUnknown
from soundalike.db import api_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from soundalike.api.platform_connection import Live
    from soundalike.db.api_keys import ValidKey

log = logging.getLogger(__name__)

FOLLOW_S: Final = 2.0
_FIRST_S: Final = 0.1


class Keyring:
    """What recognises a key; a key that is made, revoked or expires counts within `FOLLOW_S` seconds.

    While the database is away the keys that were valid last stay so: nothing can be written then anyway.
    """

    def __init__(self, known: Iterable[ValidKey] | None = None) -> None:
        self._keys: dict[bytes, ValidKey] | None = None
        if known is not None:
            self._take(known)

    def find(self, text: str) -> ValidKey | None:
        """Return the valid key of this text; raises `KeysUnknown` until the keys have been read for the first time.

        They are compared by their SHA-256: how long that takes tells nothing about the text of any key.
        """
        if self._keys is None:
            raise KeysUnknown("the keys are being loaded")
        return self._keys.get(api_keys.digest(text))

    @asynccontextmanager
    async def following(self, live: Live) -> AsyncIterator[Keyring]:
        """Keep up with the catalogue while the block runs."""
        task = asyncio.create_task(self._follow(live))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self, live: Live) -> None:
        failing = False
        while True:
            try:
                async with live.database() as db:
                    self._take(await api_keys.list_valid(db))
            except (DatabaseAway, asyncpg.PostgresError) as error:
                if not failing and self._keys is not None:
                    log.warning("the keys cannot be read, those known before stay valid: %s", error)
                failing = True
            else:
                failing = False
            await asyncio.sleep(_FIRST_S if self._keys is None else FOLLOW_S)

    def _take(self, keys: Iterable[ValidKey]) -> None:
        self._keys = {key.digest: key for key in keys}
