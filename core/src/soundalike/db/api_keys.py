"""The keys of the API: who may call it, recognised by the hash of a key that was shown once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from soundalike.errors import TooManyKeys

if TYPE_CHECKING:
    from datetime import datetime

    from soundalike.db.database import Connection, Executor

MAX_VALID_KEYS: Final = 2
"""How many valid keys a holder may have: the one in use, and the one that replaces it."""

_SECRET_BYTES: Final = 32


class Scope(StrEnum):
    """What a key allows; `write` includes reading."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its text. `id` is part of the text, so that people can name the key."""

    id: str
    holder: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    valid: bool


@dataclass(frozen=True, slots=True)
class ValidKey:
    """How a key is recognised: the SHA-256 of its text, with its id, its holder and what it allows."""

    id: str
    digest: bytes
    holder: str
    scope: Scope


_VALID = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"

_COLUMNS = f"id, holder, scope, created_at, expires_at, revoked_at, {_VALID} AS valid"

_LOCK = "LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"

_COUNT_VALID = f"SELECT count(*) FROM api_keys WHERE holder = $1 AND {_VALID}"  # noqa: S608 - constants of this module

_ADD = """
INSERT INTO api_keys (id, holder, scope, digest, expires_at) VALUES ($1, $2, $3, $4, now() + $5::interval)
"""

_LIST = f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at, id"  # noqa: S608 - constants of this module

_REVOKE = f"UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND {_VALID} RETURNING id"  # noqa: S608 - as above

_ALL_VALID = f"SELECT id, digest, holder, scope FROM api_keys WHERE {_VALID}"  # noqa: S608 - constants of this module


def digest(key: str) -> bytes:
    """Return the SHA-256 (32 bytes) of a key's text.

    A slow hash protects secrets that can be guessed; a key is 256 random bits.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


async def add(db: Connection, holder: str, scope: Scope, *, days: int | None = None) -> str:
    """Create a key for `holder`, valid for `days` or until it is revoked, and return its text, which is not stored.

    Raises `TooManyKeys` where the holder already has two valid keys.
    """
    key_id = secrets.token_hex(4)
    key = f"soundalike_{key_id}_{secrets.token_hex(_SECRET_BYTES)}"
    async with db.transaction():
        await db.execute(_LOCK)
        if await db.fetchval(_COUNT_VALID, holder) >= MAX_VALID_KEYS:
            raise TooManyKeys(
                f"{holder} already has {MAX_VALID_KEYS} valid keys; revoke the one that is no longer in use first"
            )
        await db.execute(_ADD, key_id, holder, scope.value, digest(key), None if days is None else timedelta(days=days))
    return key


async def list_keys(db: Executor) -> list[ApiKey]:
    """Return every key that was ever created, oldest first."""
    return [ApiKey(**{**row, "scope": Scope(row["scope"])}) for row in await db.fetch(_LIST)]


async def revoke(db: Executor, key_id: str) -> bool:
    """Revoke a key at once; False where no valid key has this id."""
    return await db.fetchval(_REVOKE, key_id) is not None


async def list_valid(db: Executor) -> list[ValidKey]:
    """Return how the keys that are valid now are recognised."""
    return [ValidKey(**{**row, "scope": Scope(row["scope"])}) for row in await db.fetch(_ALL_VALID)]
