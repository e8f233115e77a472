"""Finding tracks by what people type."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.db import erasure, schema, search_names, tracks
from soundalike.db import search as search_module
from soundalike.db.search import Likeness, search
from soundalike.db.search_text import SearchText
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

SONGS: list[tuple[str, tuple[str, ...], str | None]] = [
    ("One More Time", ("Daft Punk",), "Discovery"),
    ("Discovery", ("Somebody Else",), None),
    ("Enter Sandman", ("Metallica",), "Metallica"),
    ("Metal", ("Gary Numan",), "The Pleasure Principle"),
    ("Heavy Metal (Takin' a Ride)", ("Don Felder",), None),
    ("Don't You (Forget About Me)", ("Simple Minds",), None),
    ("Für Elise", ("Ludwig van Beethoven",), None),
    ("Группа крови", ("Кино",), "Группа крови"),
    ("群青日和", ("東京事変",), "教育"),
    ("???", ("!!!",), None),
    ("Behind Blue Eyes", ("The Who",), "Who's Next"),
    ("100% Pure Love", ("Crystal Waters",), "a_b % c"),
]


def song_id(number: int) -> TrackId:
    return TrackId("deezer", str(number + 1))


@pytest.fixture
async def songs(pool: Pool) -> Pool:
    for number, (title, artists, album) in enumerate(SONGS):
        await tracks.upsert(pool, Track(song_id(number), title, artists, album=album))
    return pool


async def search_titles(pool: Pool, text: str, *, limit: int = 10) -> list[str]:
    return [match.track.track.title for match in await search(pool, text, limit=limit)]


@pytest.mark.parametrize(
    ("typed", "title", "likeness"),
    [
        ("one more time", "One More Time", Likeness.EXACT),
        ("  TIME,  daft ", "One More Time", Likeness.EXACT),
        ("daft punk one more t", "One More Time", Likeness.PREFIX),
        ("time disco", "One More Time", Likeness.PREFIX),
        ("daft d", "One More Time", Likeness.PREFIX),
        ("dont you forget", "Don't You (Forget About Me)", Likeness.EXACT),
        ("fur elise", "Für Elise", Likeness.EXACT),
        ("beethofen", "Für Elise", Likeness.TYPO),
        ("metalica", "Enter Sandman", Likeness.TYPO),
        ("enter sandmna", "Enter Sandman", Likeness.TYPO),
        ("forgett abuot me", "Don't You (Forget About Me)", Likeness.TYPO),
        ("группа", "Группа крови", Likeness.EXACT),
        ("кровь", "Группа крови", Likeness.TYPO),
        ("東", "群青日和", Likeness.EXACT),
        ("事変", "群青日和", Likeness.EXACT),
        ("???", "???", Likeness.EXACT),
        ("!!", "???", Likeness.PREFIX),
        ("100%", "100% Pure Love", Likeness.EXACT),
        ("a_b", "100% Pure Love", Likeness.EXACT),
    ],
)
async def test_what_people_type_finds_it(songs: Pool, typed: str, title: str, likeness: Likeness) -> None:
    first = (await search(songs, typed, limit=10))[0]
    assert (first.track.track.title, first.likeness) == (title, likeness)


@pytest.mark.parametrize(
    "typed", ["", "   ", "\x00", "xqzvjw", "one more xqzvjw", "teh", "'", "a' & \\ b:* | !c", "%", "_"]
)
async def test_what_fits_nothing_finds_nothing(songs: Pool, typed: str) -> None:
    assert await search_titles(songs, typed) == []


async def test_every_letter_of_a_title_finds_it(songs: Pool) -> None:
    for title, _, _ in SONGS:
        for end in range(1, len(title) + 1):
            if SearchText.parse(title[:end]).words:
                assert title in await search_titles(songs, title[:end]), title[:end]


async def test_exact_comes_before_begun_before_misspelt(songs: Pool) -> None:
    await tracks.upsert(songs, Track(TrackId("deezer", "100"), "Metall", ("X",)))
    await tracks.upsert(songs, Track(TrackId("deezer", "101"), "Petal", ("X",)))
    assert await search_titles(songs, "metal") == [
        "Metal",
        "Heavy Metal (Takin' a Ride)",
        "Metall",
        "Enter Sandman",
    ]
    assert await search_titles(songs, "betal") == ["Petal", "Metal", "Heavy Metal (Takin' a Ride)"]


async def test_a_whole_title_comes_before_an_album_of_that_name(songs: Pool) -> None:
    assert await search_titles(songs, "discovery") == ["Discovery", "One More Time"]
    assert await search_titles(songs, "discovery", limit=1) == ["Discovery"]


async def test_only_what_matches_the_filters(songs: Pool) -> None:
    await tracks.upsert(songs, Track(TrackId("soundcloud", "5"), "One More Time"))
    await tracks.mark_no_preview(songs, TrackId("soundcloud", "5"), "nobody has one")
    assert len(await search(songs, "one more time", limit=9)) == 2
    assert [m.track.track.id.source for m in await search(songs, "one more", limit=9, source="soundcloud")] == [
        "soundcloud"
    ]
    assert [m.track.state for m in await search(songs, "one mroe", limit=9, state=State.NO_PREVIEW)] == [
        State.NO_PREVIEW
    ]
    assert await search(songs, "one more", limit=9, source="spotify") == []


async def test_those_in_another_state_do_not_hide_the_others(songs: Pool) -> None:
    for number in range(12):
        await tracks.upsert(songs, Track(TrackId("soundcloud", str(number + 1)), f"One More {number}"))
    await songs.execute("UPDATE tracks SET state = 'ready' WHERE title = 'One More Time'")
    matches = await search(songs, "time one", limit=3, state=State.READY)
    assert [match.track.track.title for match in matches] == ["One More Time"]
    matches = await search(songs, "one mor", limit=3, state=State.READY)
    assert [match.track.track.title for match in matches] == ["One More Time"]


async def test_one_track_that_is_found_in_many_ways_is_counted_once(songs: Pool) -> None:
    assert await search_titles(songs, "metallica", limit=2) == ["Enter Sandman"]
    await tracks.upsert(songs, Track(TrackId("deezer", "100"), "Metallicas", ("X",)))
    await tracks.upsert(songs, Track(TrackId("deezer", "101"), "Metallica", ("Metallica",), album="Metallica"))
    assert await search_titles(songs, "metallica", limit=3) == ["Metallica", "Enter Sandman", "Metallicas"]


async def test_among_many_of_the_same_words(songs: Pool) -> None:
    await songs.execute("""
        INSERT INTO tracks (urn, source, title, artists)
        SELECT 'deezer:track:' || 1000 + n, 'deezer', 'Common Love ' || n, ARRAY['Band ' || n % 7]
        FROM generate_series(1, 1500) n
    """)
    assert await search_names.refresh(songs) == 1500
    assert (await search_titles(songs, "common love 1499"))[0] == "Common Love 1499"
    assert (await search_titles(songs, "love 1499 comm"))[0] == "Common Love 1499"
    assert (await search_titles(songs, "band common lvoe 77"))[0] == "Common Love 77"
    assert len(await search_titles(songs, "love c")) == 10


async def test_a_new_name_replaces_the_old_one(songs: Pool) -> None:
    await tracks.upsert(songs, Track(song_id(0), "Aerodynamic", ("Daft Punk",)))
    assert await search_titles(songs, "one more time") == []
    assert await search_titles(songs, "aerodynamic") == ["Aerodynamic"]


async def test_names_that_came_by_another_way_are_folded_later(songs: Pool) -> None:
    await songs.execute("UPDATE tracks SET title = 'Veridis Quo' WHERE urn = $1", song_id(0).urn)
    await songs.execute("INSERT INTO tracks (urn, source, title) VALUES ('deezer:track:99', 'deezer', 'Straight In')")
    assert await search_names.refresh(songs) == 2
    assert await search_names.refresh(songs) == 0
    assert await search_titles(songs, "veridis quo") == ["Veridis Quo"]
    assert await search_titles(songs, "one more time") == []
    assert await search_titles(songs, "staight") == ["Straight In"]


async def test_the_same_name_again_is_no_news(songs: Pool) -> None:
    before = await songs.fetchval("SELECT array_agg(xmin::text ORDER BY urn) FROM track_names")
    for number, (title, artists, album) in enumerate(SONGS):
        await tracks.upsert(songs, Track(song_id(number), title, artists, album=album, tags=("new",)))
    await songs.execute("UPDATE tracks SET state = 'queued'")
    assert await songs.fetchval("SELECT array_agg(xmin::text ORDER BY urn) FROM track_names") == before


async def test_what_is_forgotten_is_found_no_more(songs: Pool) -> None:
    async with songs.acquire() as connection:
        await erasure.forget_tracks(connection, [song_id(0)])
    assert await search_titles(songs, "one more time") == []
    assert await songs.fetchval("SELECT count(*) FROM track_names WHERE urn = $1", song_id(0).urn) == 0
    await tracks.upsert(songs, Track(song_id(0), "One More Time"))
    assert await search_names.refresh(songs) == 0


async def test_rows_from_before_are_filled_in(pool: Pool, database_url: str) -> None:
    await schema.downgrade(database_url, "0006")
    await pool.execute("INSERT INTO tracks (urn, source, title) VALUES ('deezer:track:1', 'deezer', 'Älter')")
    await pool.execute("INSERT INTO tracks (urn, source, title) VALUES ('deezer:track:2', 'deezer', '')")
    await schema.upgrade(database_url)
    await pool.expire_connections()
    assert await search_names.refresh(pool) == 1
    assert await search_titles(pool, "alter") == ["Älter"]


async def test_names_of_any_length_can_be_stored(pool: Pool) -> None:
    long = "".join(chr(0x100 + number % 300) for number in range(5000)) + " word" * 500
    await tracks.upsert(pool, Track(TrackId("deezer", "1"), long, (long, "Known Name"), album=long))
    assert len(await search_titles(pool, long[:30])) == 1
    assert len(await search_titles(pool, "known name")) == 1


async def test_few_of_many_that_match_alike_are_read_and_the_answer_is_the_same(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick = random.Random(2)
    words = ["ka", "kah", "kahl", "a!c", "ac", "So", "so-go", "sogo", "Go", "goal", "東京事変", "über"]

    def name() -> str:
        return " ".join(pick.choices(words, k=pick.randint(1, 3)))

    for number in range(400):
        await tracks.upsert(pool, Track(song_id(number), name(), (name(),), album=name()))
    await search_names.refresh(pool)
    await pool.execute("UPDATE tracks SET state = 'gone' WHERE urn ~ '[369]$'")
    texts = [
        *words,
        "k",
        "s",
        "so g",
        "so go",
        "ka kah",
        "ka a",
        "aic",
        "gaol",
        "kahl so",
        "soogo",
        "ue",
        "京",
        "go ka k",
    ]
    counts: list[int] = []
    rank = search_module.Rank.of

    def counting(*arguments: Any) -> Any:
        counts[-1] += 1
        return rank(*arguments)

    monkeypatch.setattr(search_module.Rank, "of", counting)
    for text in texts:
        for state in (None, State.PENDING):
            answers = []
            for each_place in (2, 10_000):
                monkeypatch.setattr(search_module, "_EACH_PLACE", each_place)
                counts.append(0)
                answers.append(await search(pool, text, limit=5, state=state))
            assert answers[0] == answers[1], text
            assert len({match.track.track.id for match in answers[0]}) == len(answers[0])
    fewer, all_of_them = sum(counts[::2]), sum(counts[1::2])
    assert fewer < 0.6 * all_of_them


async def test_what_is_gone_hides_nothing_behind_it(pool: Pool) -> None:
    for number in range(40):
        await tracks.upsert(pool, Track(song_id(number), "Song", (f"Band {number:02}",)))
    await search_names.refresh(pool)
    await pool.execute("UPDATE tracks SET state = 'gone' WHERE artists[1] < 'Band 37'")
    assert [match.track.track.artists[0] for match in await search(pool, "song", limit=2)] == ["Band 37", "Band 38"]
    await pool.execute("UPDATE tracks SET state = 'ready' WHERE artists[1] = 'Band 39'")
    assert [m.track.track.artists[0] for m in await search(pool, "song", limit=2, state=State.READY)] == ["Band 39"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("deezer:track:1", "One More Time"),
        (" https://www.deezer.com/en/track/1?utm_source=deezer ", "One More Time"),
        ("deezer.com/track/2", "Discovery"),
        ("https://open.spotify.com/intl-de/track/4uLU6hMCjMI75M1A2tKUQC?si=1f2e", "By its address"),
        ("4uLU6hMCjMI75M1A2tKUQC", "By its address"),
        ("spotify:track:4uLU6hMCjMI75M1A2tKUQC", "By its address"),
        ("https://soundcloud.com/someone/a-song?in=someone/sets/x", "From a cloud"),
        ("https://www.deezer.com/track/99999", None),
        ("spotify:track:0000000000000000000000", None),
        ("https://soundcloud.com/someone/no-song", None),
        ("abcdefghijklmnopqrstuv", "Abcdefghijklmnopqrstuv"),
    ],
)
async def test_an_address_finds_its_track_and_no_other(songs: Pool, text: str, title: str | None) -> None:
    spotify = Track(TrackId("spotify", "4uLU6hMCjMI75M1A2tKUQC"), "By its address")
    link = "https://soundcloud.com/someone/a-song"
    await tracks.upsert(songs, spotify)
    await tracks.upsert(songs, Track(TrackId("soundcloud", "5"), "From a cloud", link=link))
    await tracks.upsert(songs, Track(TrackId("deezer", "500"), "Abcdefghijklmnopqrstuv"))
    await search_names.refresh(songs)
    matches = await search(songs, text, limit=10)
    assert [match.track.track.title for match in matches] == ([title] if title else [])
    assert all(match.likeness is Likeness.EXACT for match in matches)


async def test_an_address_is_filtered_as_names_are(songs: Pool) -> None:
    assert await search(songs, "deezer:track:1", limit=9, source="spotify") == []
    assert await search(songs, "deezer:track:1", limit=9, state=State.READY) == []
    assert len(await search(songs, "deezer:track:1", limit=9, source="deezer", state=State.PENDING)) == 1
    async with songs.acquire() as connection:
        await erasure.forget_tracks(connection, [song_id(0)])
    assert await search(songs, "deezer:track:1", limit=9) == []


def test_readings_that_end_alike_have_their_end_in_common() -> None:
    query = SearchText.parse("daft punk one mo").other_prefix_query
    assert query is not None
    assert query.count("'mo':*") == 1
    assert query.count("'onemo':*") == 1
    assert "'daftpunk' & 'one'" in query


async def test_what_begins_with_the_text_is_read_in_the_order_of_the_index(pool: Pool) -> None:
    settings = await pool.fetchval("SELECT proconfig FROM pg_proc WHERE proname = 'search_names' AND pronargs = 13")
    assert {"enable_sort=off", "enable_seqscan=off"} <= set(settings)
    await pool.execute(
        "INSERT INTO tracks (urn, source, title) "
        "SELECT 'deezer:track:' || n, 'deezer', 'Fa ' || n FROM generate_series(1000, 4000) n"
    )
    await pool.execute("UPDATE track_names SET title = 'fa ' || split_part(urn, ':', 3), words = ''")
    found = await pool.fetch(
        "SELECT urn FROM search_names('fa', 'fa', NULL, '''fa'':*', NULL, NULL, NULL, '{}', 'fa', '{fa}', '', 10, 200)"
    )
    assert {row["urn"] for row in found} == {f"deezer:track:{number}" for number in range(1000, 1200)}
