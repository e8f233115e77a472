"""The valid keys in memory, so that recognising a caller needs no statement."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.api.errors import KeysUnavailable
from soundalike.db import api_keys
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from starlette.datastructures import Headers

    from soundalike.api.platform_connection import PlatformConnection
    from soundalike.db.api_keys import ValidKey

log = logging.getLogger(__name__)

POLL_S: Final = 2.0
_INITIAL_POLL_S: Final = 0.1
_BEARER: Final = re.compile(r"bearer +(\S{1,200})", re.IGNORECASE)


class Keyring:
    """The valid keys; a key that is added, revoked or expires counts within `POLL_S` seconds.

    While the database is away the keys that were valid last stay so: nothing can be written then anyway.
    """

    def __init__(self, keys: Iterable[ValidKey] | None = None) -> None:
        self._keys: dict[bytes, ValidKey] | None = None
        self._keys_by_id: dict[str, ValidKey] = {}
        if keys is not None:
            self._replace(keys)

    def find(self, text: str) -> ValidKey | None:
        """Return the valid key of this text; raises `KeysUnavailable` until the keys have been read for the first time.

        They are compared by their SHA-256: how long that takes tells nothing about the text of any key.
        """
        return self._loaded().get(api_keys.digest(text))

    def of_id(self, key_id: str) -> ValidKey | None:
        """Return the valid key with this id, which is no secret; raises `KeysUnavailable`."""
        self._loaded()
        return self._keys_by_id.get(key_id)

    def of_headers(self, headers: Headers) -> ValidKey | None:
        """Return the valid key that a request carries (RFC 6750), None for one without; raises `KeysUnavailable`."""
        bearer = _BEARER.fullmatch(headers.get("authorization", "").strip())
        return self.find(bearer[1]) if bearer else None

    @asynccontextmanager
    async def run(self, platform: PlatformConnection) -> AsyncIterator[Keyring]:
        """Read the keys again and again while the block runs."""
        task = asyncio.create_task(self._poll(platform))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _poll(self, platform: PlatformConnection) -> None:
        failing = False
        while True:
            try:
                async with platform.database() as db:
                    self._replace(await api_keys.list_valid(db))
            except (DatabaseUnavailable, asyncpg.PostgresError) as error:
                if not failing and self._keys is not None:
                    log.warning("cannot read the API keys, those known before stay valid: %s", error)
                failing = True
            else:
                failing = False
            await asyncio.sleep(_INITIAL_POLL_S if self._keys is None else POLL_S)

    def _loaded(self) -> dict[bytes, ValidKey]:
        if self._keys is None:
            raise KeysUnavailable("the API keys are being loaded")
        return self._keys

    def _replace(self, keys: Iterable[ValidKey]) -> None:
        self._keys = {key.digest: key for key in keys}
        self._keys_by_id = {key.id: key for key in self._keys.values()}
