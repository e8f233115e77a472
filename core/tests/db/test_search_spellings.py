"""Finding names whose symbols, ligatures and spaces nobody types."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import schema, search_names, tracks
from soundalike.db.search import Likeness, search
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

# Each artist with what people type for them. No name stands here twice, and none is typed for two of them.
TYPED: dict[str, list[str]] = {
    "AB/CD": ["abcd", "ab cd", "ab/cd", "AB-CD", "ab⚡cd"],
    "T.O.M.": ["tom", "T.O.M", "t o m", "t.o.m."],
    "Q.W.X": ["qwx", "q w x"],
    "B!rd": ["bird", "b!rd"],
    "Le$ter": ["lester", "le$ter"],
    "wink-182": ["wink182", "wink 182", "wink-182"],
    "KAY-Q": ["kayq", "kay q", "kay-q"],
    "Hop-S.T.U.": ["hop stu", "hopstu", "hop-stu", "hop s.t.u.", "hop s t u"],
    "Ætherline": ["aetherline", "ætherline"],
    "Sœur du Nord": ["soeur du nord", "sœur du nord", "soeurdunord"],
    "Đurđa": ["durda", "djurdja", "đurđa"],
    "Þyrnirós": ["thyrniros", "þyrniros"],
    "Augusta + The Engine": ["augusta and the engine", "augusta & the engine", "augusta the engine"],
    "Miller & Daughters": ["miller und daughters", "miller et daughters", "miller + daughters", "miller daughters"],
    "john.a.son": ["johnason", "john a son"],
    "B$AQ Stony": ["bsaq stony", "stony bsaq", "b$aq stony"],
    "Großmut": ["grossmut", "großmut"],
    "NØRD": ["nord nørd", "nørd"],
    "Łąka": ["laka"],
    "Işıl": ["isil"],
    "ﬁnal ﬂoor": ["final floor"],
    "ＦＵＬＬ Ｗｉｄｅ": ["full wide", "fullwide"],
    "Drone O)))": ["drone o", "droneo", "drone o)))"],
    "???": ["???"],
    "‡‡‡": ["‡‡‡"],
    "Go⚡Figure": ["gofigure", "go figure"],
    "An An": ["an an", "anan"],
    "Wooden Mirror": ["woodenmirror", "wooden mirror", "wood en mirror"],
    "Starfish": ["star fish", "starfish"],
    "Föhnwelle": ["fohnwelle", "foehnwelle", "föhnwelle"],
    "Baeckerei": ["bäckerei", "baeckerei"],
    "R&Z": ["rnz", "r&z", "r and z", "rz"],
    "Stone 'n' Sand": ["stone and sand", "stone n sand", "stone & sand"],
    "LΛVΛ": ["lava"],
    "plasmau5": ["plasmau5", "plasmaus"],
    "Wr3ck": ["wreck"],
    "O'Mally": ["omally", "o mally", "mally", "o'mally", "o’mally"],
    "Joey Gla$$": ["joey glass"],
    "$hrimp": ["shrimp", "$hrimp"],
    "@venue": ["avenue"],
    "N€on": ["neon"],
    "Pastel™": ["pastel"],
    "J. R. Tolk": ["jr tolk", "j r tolk", "j.r. tolk"],
    "東西 南北": ["東西南北"],
}


@pytest.fixture
async def artists(pool: Pool) -> Pool:
    for number, artist in enumerate(TYPED):
        await tracks.upsert(
            pool, Track(TrackId("deezer", str(number + 1)), f"Song No{number}", (artist,), album="Disc")
        )
    return pool


async def search_artists(pool: Pool, text: str, *, limit: int = 10) -> list[str]:
    return [match.track.track.artists[0] for match in await search(pool, text, limit=limit)]


async def test_names_are_found_as_people_type_them(artists: Pool) -> None:
    missed = {
        (artist, text): results
        for artist, texts in TYPED.items()
        for text in texts
        if (results := await search_artists(artists, text))[:1] != [artist]
    }
    assert missed == {}


async def test_while_they_type(artists: Pool) -> None:
    missed = [
        text[:end]
        for artist, text in [("AB/CD", "abcd"), ("Le$ter", "lester"), ("Starfish", "star fish"), ("KAY-Q", "kayq song")]
        for end in range(3, len(text) + 1)
        if artist not in await search_artists(artists, text[:end])
    ]
    assert missed == []


@pytest.mark.parametrize("typed", ["lester song", "song no4 lester", "lesster"])
async def test_with_other_words_and_misspelt(artists: Pool, typed: str) -> None:
    assert (await search_artists(artists, typed))[0] == "Le$ter"


async def test_another_spelling_is_exact_but_comes_after_the_name_that_is_spelled_so(artists: Pool) -> None:
    for number, name in enumerate(["Bird", "Birdy", "Big Bird"]):
        await tracks.upsert(artists, Track(TrackId("deezer", str(100 + number)), "Song", (name,)))
    matches = await search(artists, "bird", limit=10)
    assert [(match.track.track.artists[0], match.likeness) for match in matches] == [
        ("Bird", Likeness.EXACT),
        ("B!rd", Likeness.EXACT),
        ("Big Bird", Likeness.EXACT),
        ("Birdy", Likeness.PREFIX),
    ]


@pytest.mark.parametrize("typed", ["cdab", "no1disc", "ab/xd", "sandstone", "wood mirror en"])
async def test_words_that_do_not_follow_each_other_are_not_joined(artists: Pool, typed: str) -> None:
    assert await search_artists(artists, typed) == []


async def test_names_of_the_former_rule_are_searched_until_they_are_folded_again(
    artists: Pool, database_url: str
) -> None:
    await artists.execute("UPDATE track_names SET folding = 0, words = to_tsvector('simple', credit)")
    assert await search_artists(artists, "lester") == []
    assert await search_artists(artists, "starfish song") == ["Starfish"]
    assert await search_names.refresh(artists) == len(TYPED)
    assert await search_names.refresh(artists) == 0
    assert await search_artists(artists, "lester") == ["Le$ter"]


async def test_the_way_back_searches_as_before(artists: Pool, database_url: str) -> None:
    await schema.downgrade(database_url, "0019")
    columns = await artists.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'track_names'")
    assert "folding" not in {row["column_name"] for row in columns}
    await schema.upgrade(database_url)
    await artists.expire_connections()
    assert await search_names.refresh(artists) == len(TYPED)
    assert await search_artists(artists, "lester") == ["Le$ter"]
