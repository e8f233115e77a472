from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.entries import DeferredEntry, SkippedEntry, TrackEntry
from soundalike.crawler.errors import InvalidTarget, PreviewMissing, SourceRefused
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.sources.track_lists.resolver import Resolver
from soundalike.crawler.sources.track_lists.row import AmbiguousRow, TrackRow
from soundalike.crawler.sources.track_lists.track_list_file import RESOLVER_DISABLED, TrackListFile
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import QuotaExhausted, ServiceUnavailable
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.sandbox.server import SandboxServer

    Reader = Callable[[str, str | bytes], list[Any]]

SPOTIFY = "4iV5W9uYEdYUVa79Axb7Rh"
PIECE = pieces()[0]

EXPORTIFY = f"""\
"Track URI","Track Name","Album Name","Artist Name(s)","Release Date","Duration (ms)","Popularity","Explicit","ISRC"
"spotify:track:{SPOTIFY}","Teardrop","Mezzanine","Massive Attack","1998-04-20","330773","70","false","GBAAA9800322"
"spotify:track:0000000000000000000002","Déjà Vu","B'Day","Beyoncé;JAY-Z","2006","240280","60","false",""
"""
TUNE_MY_MUSIC = f"""\
Track name,Artist name,Album,Playlist name,Type,ISRC,Spotify - id
Otherwise,Morcheeba,Charango,Mine,Playlist,gb-abc-02-00001,
"Rome Wasn't Built in a Day",Morcheeba,,Mine,Playlist,,{SPOTIFY}
"""

CONTENT = f"""\
Title,Artist,ISRC,Spotify ID
{PIECE.title},{PIECE.artist},,{PIECE.spotify_id}
,,{PIECE.isrc},
{PIECE.title},{PIECE.artist},,
Something Else,{PIECE.artist},{PIECE.isrc},
Unheard Of,Nobody,,
Nameless,,,
"""


@pytest.fixture
def rows(tmp_path: Path) -> Reader:
    def read(name: str, content: str | bytes) -> list[Any]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ListFile.from_path(path).read().rows

    return read


def test_exportify(rows: Reader) -> None:
    first, second = rows("a.csv", EXPORTIFY)
    assert first == TrackRow(
        "Teardrop", ("Massive Attack",), "Mezzanine", 330.773, "GBAAA9800322", TrackId("spotify", SPOTIFY)
    )
    assert second.artists == ("Beyoncé", "JAY-Z")
    assert second.isrc is None


def test_artists_are_told_apart_as_the_table_does(rows: Reader) -> None:
    header = "Track Name,Artist Name(s)\n"
    tight = rows("a.csv", header + 'One,"Pavo,Glass Choir"\nTwo,"Earth, Wind & Fire"\nThree,"Wind, the Quill,Pavo"\n')
    assert [row.artists for row in tight] == [
        ("Pavo", "Glass Choir"),
        ("Earth, Wind & Fire",),
        ("Wind, the Quill", "Pavo"),
    ]
    spaced = rows("a.csv", header + 'One,"Pavo, Glass Choir"\nTwo,"Earth, Wind & Fire"\nThree,"Wind & Rain"\n')
    assert [row.artists for row in spaced] == [("Pavo", "Glass Choir"), ("Earth, Wind & Fire",), ("Wind & Rain",)]
    listed = rows("a.csv", header + "One,Wind & Rain\nTwo,Wind\nThree,Rain\n")
    assert [row.artists for row in listed] == [("Wind", "Rain"), ("Wind",), ("Rain",)]


@pytest.mark.parametrize(
    ("location", "artists", "title"),
    [
        ("Some Band/Some Album/01 - Some Song.mp3", ("Some Band",), "Some Song"),
        (r"C:\Music\Some Band - Some Album\01 Some Song.mp3", ("Some Band",), "Some Song"),
        ("/x/01 - R.E.M. - E-Bow", ("R.E.M.",), "E-Bow"),
        ("file:///x/Some%20Band%20-%20Some%20Song.mp3", ("Some Band",), "Some Song"),
    ],
)
def test_files_that_a_playlist_does_not_name(rows: Reader, location: str, artists: tuple[str, ...], title: str) -> None:
    assert [(row.artists, row.title) for row in rows("a.m3u8", location)] == [(artists, title)]


def test_tune_my_music(rows: Reader) -> None:
    first, second = rows("a.csv", TUNE_MY_MUSIC)
    assert first == TrackRow("Otherwise", ("Morcheeba",), "Charango", None, "GBABC0200001", None)
    assert second.id == TrackId("spotify", SPOTIFY)


@pytest.mark.parametrize(
    "content",
    [
        "Title,Artist\nHeroes,David Bowie\n",
        "title;artist\r\nHeroes;David Bowie\r\n",
        "Artist\tTitle\nDavid Bowie\tHeroes\n",
        "sep=;\nTitel;Künstler\nHeroes;David Bowie\n",
        "\ufeffName,Artists\nHeroes,David Bowie\n\n , \n",
        "Titre,Artiste\nHeroes,David Bowie\n".encode("utf-16"),
        "Titel;Künstler\nHeroes;David Bowie\n".encode("cp1252"),
        "曲名,アーティスト\nHeroes,David Bowie\n",
    ],
)
def test_tables_of_many_makers(rows: Reader, content: str | bytes) -> None:
    (row,) = rows("a.csv", content)
    assert (row.title, row.artists) == ("Heroes", ("David Bowie",))


def test_a_cell_may_hold_lines_and_commas(rows: Reader) -> None:
    (row,) = rows("a.csv", 'Title,Artist,Note\r\n"Heroes, we\u2028can be","David Bowie","one\r\ntwo"\r\n')
    assert (row.title, row.artists) == ("Heroes, we can be", ("David Bowie",))


@pytest.mark.parametrize(
    ("header", "value", "seconds"),
    [
        ("Duration (ms)", "330773", 330.773),
        ("Track Duration (ms)", "9000", 9.0),
        ("Duration", "330773", 330.773),
        ("Duration", "330", 330.0),
        ("Length", "5:30", 330.0),
        ("Time", "0:05:30", 330.0),
        ("Total Time", "330773", 330.773),
        ("Duration", "soon", None),
        ("Duration", "-5", None),
    ],
)
def test_lengths(rows: Reader, header: str, value: str, seconds: float | None) -> None:
    (row,) = rows("a.csv", f"Title,Artist,{header}\nHeroes,David Bowie,{value}\n")
    assert row.seconds == seconds


def test_other_services_ids(rows: Reader) -> None:
    (row,) = rows("a.csv", "Title,Artist,Deezer ID\nHeroes,David Bowie,3135556\n")
    assert row.id == TrackId("deezer", "3135556")
    (row,) = rows("a.csv", "URL\nhttps://open.spotify.com/intl-de/track/4iV5W9uYEdYUVa79Axb7Rh?si=x\n")
    assert row.id == TrackId("spotify", SPOTIFY)
    (row,) = rows("a.csv", "Title,Artist,ID\nHeroes,David Bowie,17\n")
    assert row.id is None


def test_lines_that_do_not_tell_enough_are_named(rows: Reader) -> None:
    unclear, short, fine = rows("a.csv", "Title,Artist,ISRC\nHeroes,,\nAshes\n,,GBAAA9800322\n")
    assert unclear == AmbiguousRow("Heroes", "neither an id, an ISRC, nor title and artist")
    assert isinstance(short, AmbiguousRow)
    assert fine.isrc == "GBAAA9800322"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "Heroes,David Bowie\nAshes,David Bowie\n", "must name the columns"),
        ("a.csv", "Title\nHeroes\n", "must name the columns"),
        ("a.csv", "Title,Artist\n" + "x" * 2_000_000 + ",y\n", "not a table"),
        ("a.jspf", "{", "not JSPF"),
        ("a.jspf", "[]", "not JSPF"),
        ("a.jspf", "[" * 100_000, "not JSPF"),
        ("a.m3u", "#EXTM3U\n", "names no track"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(rows: Reader, name: str, content: str, message: str) -> None:
    with pytest.raises(SourceRefused, match=message):
        rows(name, content)


def test_a_file_of_another_form(tmp_path: Path) -> None:
    with pytest.raises(InvalidTarget, match=r"\.jspf"):
        ListFile.from_path(tmp_path / "a.xlsx")
    with pytest.raises(SourceRefused, match="cannot be read"):
        ListFile.from_path(tmp_path / "gone.csv").read()


def test_jspf(tmp_path: Path) -> None:
    path = tmp_path / "a.jspf"
    tracks = [
        {"title": "Teardrop", "creator": "Massive Attack", "album": "Mezzanine", "duration": 330773},
        {"title": "Heroes", "creator": "David Bowie", "identifier": [f"https://open.spotify.com/track/{SPOTIFY}"]},
        {
            "title": "Ashes",
            "creator": "x",
            "extension": {"https://example.org/jspf": [{"a": {"isrc": "gbaaa9800322"}}]},
        },
        {"title": "Angel", "identifier": "urn:isrc:GBAAA9800323"},
        {"title": "Alone"},
        "odd",
        {"title": "Song", "creator": "y", "location": ["https://www.deezer.com/track/7"], "duration": None},
    ]
    path.write_text(json.dumps({"playlist": {"title": "Mine", "track": tracks}}))
    listed = ListFile.from_path(path).read()
    assert listed.title == "Mine"
    first, second, third, fourth, alone, odd, last = listed.rows
    assert first == TrackRow("Teardrop", ("Massive Attack",), "Mezzanine", 330.773)
    assert isinstance(second, TrackRow)
    assert second.id == TrackId("spotify", SPOTIFY)
    assert [row.isrc for row in (third, fourth) if isinstance(row, TrackRow)] == ["GBAAA9800322", "GBAAA9800323"]
    assert isinstance(alone, AmbiguousRow)
    assert isinstance(odd, AmbiguousRow)
    assert isinstance(last, TrackRow)
    assert last.id == TrackId("deezer", "7")


def test_an_m3u_line_of_quotation_marks_is_read_at_once(rows: Reader) -> None:
    # Every quotation mark may begin a value or end one: read by trying all ways, sixty take longer than a life.
    attributes = ' a="' * 2_000
    assert rows("a.m3u", f"#EXTINF:1{attributes}\nA - B.mp3\n") == [TrackRow("B", ("A",), files=("A - B.mp3",))]


@pytest.mark.parametrize(
    ("info", "title"),
    [
        ("#EXTINF: 12 , A - B", "B"),
        ('#EXTINF:12.5 a=b c="d, e",A - B, C', "B, C"),
        ("#EXTINF:a=b,A - B", "B"),
        ('#EXTINF:-1 a="b,A - B', "B"),
        ("#EXTINF:1 a=,A - B", "B"),
        ("#EXTINF:,A - B", "B"),
    ],
)
def test_attributes_of_an_m3u_line(rows: Reader, info: str, title: str) -> None:
    assert [(row.artists, row.title) for row in rows("a.m3u", f"{info}\n/x.mp3\n")] == [(("A",), title)]


@pytest.mark.parametrize("name", ["a.m3u", "a.csv", "a.jspf"])
@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_a_list_of_millions_of_lines_is_refused(rows: Reader, name: str, line_end: str) -> None:
    with pytest.raises(SourceRefused, match="500,000 lines"):
        rows(name, f"x{line_end}" * 600_000)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"playlist": {"track": [' + "{}," * 1_100_000 + "{}]}}"),
        ("a.jspf", "[" * 1_100_000),
        ("a.json", '["' + '","' * 5_100_000),
        ("a.csv", "title,artist\n" + "," * 5_100_000),
        ("a.csv", "title;artist\n" + ";" * 5_100_000),
        ("a.tsv", "title\tartist\n" + "\t" * 5_100_000),
    ],
)
def test_a_list_of_millions_of_parts_is_refused(rows: Reader, name: str, content: str) -> None:
    with pytest.raises(SourceRefused, match=r"more than [15],000,000 parts"):
        rows(name, content)


def test_m3u(tmp_path: Path) -> None:
    path = tmp_path / "a.m3u8"
    path.write_text(
        "\n".join(
            [
                "#EXTM3U",
                "#PLAYLIST:Road trip",
                "#EXTINF:330,Massive Attack - Teardrop",
                "Music/Massive Attack/Mezzanine/03 Teardrop.flac",
                "",
                '#EXTINF:215 tvg-id="x" isrc="GBAAA9800322",Sing, sing - Song',
                "https://example.org/x.mp3",
                "#EXTALB:Charango",
                "#EXTART:Morcheeba",
                "#EXTINF:-1,Otherwise",
                "otherwise.mp3",
                "C:\\Music\\07 - David Bowie - Heroes.mp3",
                "just a name.mp3",
                "https://example.org/stream",
                f"https://open.spotify.com/track/{SPOTIFY}",
            ]
        )
    )
    listed = ListFile.from_path(path).read()
    assert listed.title == "Road trip"
    assert listed.rows == [
        TrackRow(
            "Teardrop", ("Massive Attack",), None, 330.0, files=("Music/Massive Attack/Mezzanine/03 Teardrop.flac",)
        ),
        TrackRow("Song", ("Sing, sing",), None, 215.0, "GBAAA9800322"),
        TrackRow("Otherwise", ("Morcheeba",), "Charango", None, files=("otherwise.mp3",)),
        TrackRow("Heroes", ("David Bowie",), files=("C:\\Music\\07 - David Bowie - Heroes.mp3",)),
        TrackRow("just a name", files=("just a name.mp3",)),
        AmbiguousRow("", "neither an id, an ISRC, nor title and artist"),
        TrackRow(id=TrackId("spotify", SPOTIFY)),
    ]


def files_of(rows: list[Any]) -> list[tuple[str, tuple[str, ...]]]:
    return [(row.title, row.files) for row in rows]


PLS = """[playlist]
File2=/m/b.mp3
Title2=X - B
Length2=12
File1= a b.mp3
NumberOfEntries=2
Version=2
"""
XSPF = """<?xml version="1.0" encoding="UTF-8"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/" xmlns:x="urn:x">
  <title>Mine &amp; yours</title>
  <trackList>
    <track><title>Ä</title><creator>X</creator><duration>12000</duration><location>file:///m/a%20b.mp3</location>
      <extension application="x"><x:location>file:///other</x:location></extension></track>
    <track><location>b.mp3</location></track>
    <track/>
  </trackList>
</playlist>
"""


def test_pls(rows: Reader) -> None:
    first, second = rows("a.pls", PLS)
    assert (first.title, first.files) == ("a b", (" a b.mp3",))
    assert (second.title, second.artists, second.seconds, second.files) == ("B", ("X",), 12.0, ("/m/b.mp3",))


@pytest.mark.parametrize("content", [XSPF, XSPF.encode("utf-16"), f"\ufeff{XSPF}"])
def test_xspf(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "a.xspf"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    listed = ListFile.from_path(path).read()
    assert listed.title == "Mine & yours"
    first, second, empty = listed.rows
    assert first == TrackRow("Ä", ("X",), None, 12.0, files=("file:///m/a%20b.mp3",))
    assert second == TrackRow(files=("b.mp3",))
    assert isinstance(empty, AmbiguousRow)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pls", "[playlist]\nNumberOfEntries=0\n", "names no track"),
        ("a.xspf", "<html/>", "not XSPF"),
        ("a.xspf", "<playlist>", "not XSPF"),
        ("a.xspf", '<!DOCTYPE a [<!ENTITY b "c">]><playlist>&b;</playlist>', "document type"),
        ("a.xspf", "<a>" * 10_100_000, "more than 10,000,000 parts"),
    ],
)
def test_what_is_wrong_with_a_list_of_files_is_said(rows: Reader, name: str, content: str, message: str) -> None:
    with pytest.raises(SourceRefused, match=message):
        rows(name, content)


@pytest.mark.parametrize("column", ["Path", "Location", "File name", "path"])
def test_a_table_of_paths(rows: Reader, column: str) -> None:
    assert files_of(rows("a.csv", f'Title,{column}\nOne,"/m/a, b.mp3"\n,c.mp3\n')) == [
        ("One", ("/m/a, b.mp3",)),
        ("", ("c.mp3",)),
    ]


def test_what_we_wrote_ourselves_names_its_track(rows: Reader) -> None:
    urn = f"file:track:{'0' * 63}1"
    (row,) = rows("a.m3u8", f"#EXTM3U\n#SOUNDALIKE:{urn}\n#EXTINF:3,A - B\n/m/a.mp3\n")
    assert (row.id, row.files) == (TrackId.parse(urn), ("/m/a.mp3",))
    (row,) = rows("a.m3u8", f"#EXTM3U\n#EXTINF:3,A - B\n{urn}\n")
    assert (row.id, row.files) == (TrackId.parse(urn), ())
    (row,) = rows("a.m3u8", "https://soundcloud.com/some-one/some-track?in=x\n")
    assert row.link == "https://soundcloud.com/some-one/some-track"


@pytest.mark.parametrize(
    ("content", "encoding", "file"),
    [
        ("\ufeffmusic\\Ä.mp3\r\n".encode(), "utf-8-sig", "music\\Ä.mp3"),
        ("#EXTM3U\n#EXTENC: windows-1251\nЖ.mp3\n".encode("cp1251"), "utf-8", "Ж.mp3"),
        ("#EXTENC: no-such\nÄ.mp3\n".encode(), "utf-8", "Ä.mp3"),
        (b"\x81\xc4.mp3\n", "cp1252", "\udc81Ä.mp3"),
    ],
)
def test_encodings_of_lists(tmp_path: Path, content: bytes, encoding: str, file: str) -> None:
    path = tmp_path / "a.m3u"
    path.write_bytes(content)
    listed = ListFile.from_path(path).read()
    assert listed.encoding == encoding
    assert files_of(listed.rows)[0][1] == (file,)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "Mine.csv"
    path.write_text(CONTENT)
    return path


async def test_every_line_comes_to_a_track_or_a_reason(mine: Path, deezer: DeezerApi, chain: PreviewChain) -> None:
    source = TrackListFile(ListFile.from_path(mine), Resolver(deezer), chain)
    entries = [entry async for entry in source.entries()]
    assert source.total == 6
    read = [await entry.read() if isinstance(entry, DeferredEntry) else entry for entry in entries]
    results = [entry for entry in read if isinstance(entry, TrackEntry)]
    assert [entry.position for entry in results] == [0, 1, 2]
    assert results[0].track.id == TrackId("spotify", PIECE.spotify_id)
    assert results[0].track.link == f"https://open.spotify.com/track/{PIECE.spotify_id}"
    assert {entry.track.id.source for entry in results[1:3]} == {"deezer"}
    assert results[1].track.isrc == PIECE.isrc
    assert [entry.reason for entry in read if isinstance(entry, SkippedEntry)] == [
        # The code is that of another title, and no length speaks for it.
        "not found on Deezer",
        "not found on Deezer",
        "neither an id, an ISRC, nor title and artist",
    ]
    assert [(await entry.offer.fetch()).provenance.provider for entry in results] == ["deezer"] * len(results)


async def test_a_list_says_nothing_of_what_spotify_offers(tmp_path: Path, chain: PreviewChain) -> None:
    path = tmp_path / "a.csv"
    await asyncio.to_thread(path.write_text, f"Title,Artist,Spotify ID\nUnheard Of,Nobody,{SPOTIFY}\n")
    results = await anext(TrackListFile(ListFile.from_path(path), None, chain).entries())
    assert isinstance(results, TrackEntry)
    with pytest.raises(PreviewMissing) as caught:
        await results.offer.fetch()
    assert caught.value.reason == "not found on Deezer; not found on iTunes"


async def test_without_deezer_the_reason_says_what_to_set(mine: Path, chain: PreviewChain) -> None:
    source = TrackListFile(ListFile.from_path(mine), None, chain)
    entries = [entry async for entry in source.entries(start=1)]
    assert [entry.reason for entry in entries if isinstance(entry, SkippedEntry)][:4] == [RESOLVER_DISABLED] * 4
    assert "DEEZER_TERMS_ACCEPTED" in RESOLVER_DISABLED


async def test_an_edited_file_is_the_same_list_in_another_version(mine: Path, chain: PreviewChain) -> None:
    before = await TrackListFile(ListFile.from_path(mine), None, chain).playlist()
    again = await TrackListFile(ListFile.from_path(mine), None, chain).playlist()
    await asyncio.to_thread(mine.write_text, f"{CONTENT}One,More,,\n")
    after = await TrackListFile(ListFile.from_path(mine), None, chain).playlist()
    assert before == again
    assert (before.urn, before.title) == (after.urn, "Mine")
    assert before.snapshot_id != after.snapshot_id
    assert str(mine.parent) not in before.urn


@pytest.mark.parametrize(("wait", "expected"), [("5", ServiceUnavailable), ("9000", QuotaExhausted)])
async def test_a_throttled_look_up_is_no_absence(
    mine: Path, deezer: DeezerApi, chain: PreviewChain, stores: SandboxServer, wait: str, expected: type[Exception]
) -> None:
    stores.sandbox.faults.add(Fault(path="*", status=429, headers={"Retry-After": wait}, body="", times=None))
    source = TrackListFile(ListFile.from_path(mine), Resolver(deezer), chain)
    entry = await anext(source.entries(1))
    assert isinstance(entry, DeferredEntry)
    with pytest.raises(expected):
        await entry.read()
