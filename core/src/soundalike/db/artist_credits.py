"""The artists of credits that leave doubt, decided by who is known as an artist in the catalogue.

`tracks.artist_credit` is what tags or a list say, `tracks.artists` what is decided. Without a credit the artists are
exact: a service tells them one by one, or the tags do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from soundalike.db import search_names
from soundalike.db.database import in_transaction
from soundalike.domain.artists import decide, doubtful_names, read_credit
from soundalike.domain.titles import artist_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from soundalike.db.database import Connection, Pool

_BATCH: Final = 1000
_MAX_CREDITS: Final = 100_000
"""A bound for memory; of so many, those that are left stay undecided."""

# Several values of a tag are artists one by one. What separates artists (`domain.artists`) only now and then is decided
# anew each time, the rest once: of credits from before the rule.
_DOUBTFUL = r"""
SELECT DISTINCT artist_credit[1] AS credit, artists FROM tracks
WHERE cardinality(artist_credit) = 1 AND state <> 'forgotten' AND (
    artist_credit[1] ~* '[,&/+\u00d7\uff0c\uff06\uff0f]|\m(x|vs|and|und|et|y)\M'
    OR (artists = artist_credit AND artist_credit[1] ~* '[;|\\\u3001\uff1b]|\m(feat|featuring|ft|with|w/)\M')
)
LIMIT $1
"""

_CREDITS = """
SELECT DISTINCT coalesce(artist_credit, artists) AS credit, artist_credit IS NULL AS exact FROM tracks
WHERE artists <> '{}' AND state <> 'forgotten'
"""

# One at a time, so that no two deadlock. No name has a line break.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('artist_credits'))"

_UPDATE = r"""
UPDATE tracks t SET artists = string_to_array(decided.artists, E'\n'), updated_at = now()
FROM unnest($1::text[], $2::text[]) AS decided (credit, artists)
WHERE t.artist_credit = ARRAY[decided.credit] AND t.state <> 'forgotten'
    AND t.artists <> string_to_array(decided.artists, E'\n')
"""


async def decide_all(pool: Pool) -> int:
    """Decide all doubtful credits by the artists known now, and return how many tracks got other artists."""
    doubtful = [(row["credit"], tuple(row["artists"])) for row in await pool.fetch(_DOUBTFUL, _MAX_CREDITS)]
    if not doubtful:
        return 0
    questions = await asyncio.to_thread(_questions, doubtful)

    async def work(db: Connection) -> int:
        await db.execute(_LOCK)
        known = await _known(db, set(questions.values())) if questions else set()
        decisions = await asyncio.to_thread(_decisions, doubtful, questions, known)
        changed = 0
        for start in range(0, len(decisions), _BATCH):
            batch = decisions[start : start + _BATCH]
            status = await db.execute(_UPDATE, [credit for credit, _ in batch], [artists for _, artists in batch])
            changed += int(status.removeprefix("UPDATE "))
        return changed

    changed = await in_transaction(pool, work)
    # Also of tracks that got another title, and kept the artists that were decided.
    await search_names.refresh(pool)
    return changed


def _questions(doubtful: Sequence[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """Return the names whose being known matters, with their keys."""
    return {name: artist_key(name) for credit, _ in doubtful for name in doubtful_names([credit])}


async def _known(db: Connection, keys: set[str]) -> set[str]:
    """Return which of the keys are those of artists."""
    known: set[str] = set()
    batch: list[asyncpg.Record] = []
    async for row in db.cursor(_CREDITS, prefetch=_BATCH):
        batch.append(row)
        if len(batch) == _BATCH:
            known |= await asyncio.to_thread(_keys_among, batch, keys)
            batch.clear()
    return known | await asyncio.to_thread(_keys_among, batch, keys)


def _keys_among(rows: Sequence[asyncpg.Record], keys: set[str]) -> set[str]:
    names = {name for row in rows for name in _exact_names(row["credit"], exact=row["exact"])}
    return keys & set(map(artist_key, names))


def _exact_names(credit: Sequence[str], *, exact: bool) -> list[str]:
    return list(credit) if exact else [credited.name for credited in read_credit(credit) if credited.exact]


def _decisions(
    doubtful: Sequence[tuple[str, tuple[str, ...]]], questions: dict[str, str], known: set[str]
) -> list[tuple[str, str]]:
    """Return credits with their artists, one a line, where these are others than before."""

    def is_known(name: str) -> bool:
        return questions[name] in known

    decided = ((credit, before, decide([credit], is_known)) for credit, before in doubtful)
    return sorted({(credit, "\n".join(artists)) for credit, before, artists in decided if artists != before})
