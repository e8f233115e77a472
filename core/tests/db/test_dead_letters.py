"""Why messages were given up is kept, and only as long as they are given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.db import dead_letters, tracks
from soundalike.db.dead_letters import CRASHED, DeadLetter
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

TRACK = TrackId("deezer", "1")


async def test_the_reason_of_an_extractor_stays_when_the_letter_is_seen_later(pool: Pool) -> None:
    await tracks.upsert(pool, Track(TRACK, "Title"))
    await dead_letters.record(pool, DeadLetter("a", TRACK.urn, "the store does not answer", attempts=5))
    for letter in ("a", "b"):
        await dead_letters.record(pool, DeadLetter(letter, None if letter == "b" else TRACK.urn, CRASHED))
    letters = {letter.id: letter for letter in await dead_letters.newest(pool, limit=9)}
    assert (letters["a"].reason, letters["a"].attempts, letters["a"].title) == ("the store does not answer", 5, "Title")
    assert (letters["b"].reason, letters["b"].attempts, letters["b"].title) == (CRASHED, None, None)
    assert await dead_letters.count(pool) == 2
    await dead_letters.delete(pool, ["a"])
    assert [letter.id for letter in await dead_letters.newest(pool, limit=9)] == ["b"]


async def test_what_nobody_sees_in_the_queue_any_more_goes(pool: Pool) -> None:
    for letter in ("a", "b"):
        await dead_letters.record(pool, DeadLetter(letter, None, CRASHED))
    await pool.execute("UPDATE dead_letters SET seen_at = now() - interval '1 hour'")
    await dead_letters.record(pool, DeadLetter("b", None, CRASHED))
    await dead_letters.delete_unseen(pool, seconds=900)
    assert [letter.id for letter in await dead_letters.newest(pool, limit=9)] == ["b"]
