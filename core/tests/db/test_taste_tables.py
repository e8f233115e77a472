from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import favorites, taste_versions, tracks, users
from soundalike.db.similar_users import favorites_of, similar_users
from soundalike.db.taste_versions import TasteVersionRecord
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId
from soundalike.domain.user_id import user_urn
from soundalike.errors import InvalidUserId

if TYPE_CHECKING:
    from soundalike.db.database import Pool


@pytest.mark.parametrize("text", ["7", " soundcloud:users:7 ", "https://api.soundcloud.com/users/7"])
def test_every_form_of_an_account_is_read(text: str) -> None:
    assert user_urn(text) == "soundcloud:users:7"


@pytest.mark.parametrize(
    "text",
    ["", "anna", "0", "-1", "٣", "soundcloud:tracks:7", "https://soundcloud.com/anna", "7\n8", "9" * 20, "7" * 5000],
)
def test_what_names_no_account_is_refused(text: str) -> None:
    with pytest.raises(InvalidUserId, match="accepted are"):
        user_urn(text)


async def test_one_version_of_taste_is_published_at_a_time(pool: Pool) -> None:
    assert await taste_versions.get_published(pool) is None
    async with pool.acquire() as connection:
        for name in ("v1", "v2"):
            await taste_versions.publish(connection, TasteVersionRecord(name, "bm25", 12, 4, f"taste/{name}/"))
    result = await taste_versions.get_published(pool)
    assert result is not None
    assert (result.version, result.favorites, result.tracks, result.location) == ("v2", 12, 4, "taste/v2/")
    assert await pool.fetchval("SELECT state FROM taste_versions WHERE version = 'v1'") == "retired"


async def test_who_shares_most_of_what_both_favourite_comes_first(pool: Pool) -> None:
    likes = {"1": range(4), "2": range(4), "3": range(2), "4": range(20), "5": range(30, 33), "6": ()}
    for track in range(33):
        async with pool.acquire() as connection:
            await tracks.ensure(connection, TrackId("soundcloud", str(track + 1)))
    for user, liked in likes.items():
        await users.upsert(pool, [User(f"soundcloud:users:{user}")])
        await favorites.add(pool, [(f"soundcloud:users:{user}", f"soundcloud:tracks:{track + 1}") for track in liked])
    result = await similar_users(pool, "soundcloud:users:1", limit=10)
    assert result is not None
    assert [(each.urn[-1], each.shared) for each in result] == [("2", 4), ("3", 2), ("4", 4)]
    assert [each.score for each in result] == pytest.approx([1.0, 2 / 8**0.5, 4 / 80**0.5])
    assert await similar_users(pool, "soundcloud:users:5", limit=10) == []
    assert await similar_users(pool, "soundcloud:users:99", limit=10) is None
    assert len(await favorites_of(pool, "soundcloud:users:4", limit=5) or ()) == 5
    assert await favorites_of(pool, "soundcloud:users:6", limit=5) == []
    assert await favorites_of(pool, "soundcloud:users:99", limit=5) is None
