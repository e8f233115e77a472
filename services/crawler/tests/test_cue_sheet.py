from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.crawler.errors import CueSheetUnusable
from soundalike.crawler.library.cue_sheet import (
    MAX_CUE_SHEET_BYTES,
    CueFile,
    CueSegment,
    CueSheet,
    CueTrack,
    parse,
    segments,
)

ALBUM = """REM GENRE Rock
REM DATE 1999
CATALOG 0602517484016
PERFORMER "Some Band"
TITLE "Some Album"
FILE "album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    FLAGS DCP
    ISRC GBAYE0601498
    INDEX 00 00:00:00
    INDEX 01 00:00:33
  TRACK 02 AUDIO
    TITLE "Second "live" take"
    PERFORMER "Some Guest"
    PREGAP 00:02:00
    INDEX 00 00:14:60
    INDEX 01 00:15:00
    INDEX 02 00:20:00
  TRACK 03 AUDIO
    TITLE Third
    INDEX 01 75:30:37
"""


def test_every_track_has_its_names_and_begins_at_its_index_1() -> None:
    assert parse(ALBUM.encode()) == CueSheet(
        "Some Album",
        "Some Band",
        (
            CueFile(
                "album.wav",
                (
                    CueTrack(1, 440, "First", None, "GBAYE0601498"),
                    CueTrack(2, 15_000, 'Second "live" take', "Some Guest"),
                    CueTrack(3, 4_530_493, "Third"),
                ),
            ),
        ),
    )


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encode", [str.encode, lambda text: codecs.BOM_UTF8 + text.encode()])
def test_line_ends_marks_case_and_blanks_make_no_difference(line_end: str, encode: type[bytes]) -> None:
    other = ALBUM.replace("TRACK", "track").replace("    ", "\t").replace("INDEX", "Index").replace("\n", line_end)
    assert parse(encode(other)) == parse(ALBUM.encode())


@pytest.mark.parametrize(
    ("codec", "title", "performer"),
    [
        ("utf-8", "Гимн", "周杰倫"),
        ("utf-16", "Гимн", "周杰倫"),
        ("utf-16-le", "Гимн", "周杰倫"),
        ("utf-16-be", "Гимн", "周杰倫"),
        ("cp1252", "Ágætis byrjun", "Sigur Rós"),
        ("cp1251", "Группа крови на рукаве", "Виктор Цой и группа"),
        ("cp932", "あなたに逢いたくて", "松田聖子"),
        ("gb18030", "月亮代表我的心", "邓丽君"),
    ],
)
def test_every_code_page(codec: str, title: str, performer: str) -> None:
    sheet = f'TITLE "{title}"\nPERFORMER "{performer}"\nFILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'
    parsed = parse(sheet.encode(codec))
    assert (parsed.title, parsed.performer) == (title, performer)


def test_tracks_belong_to_the_file_in_which_they_begin() -> None:
    sheet = """FILE "one.wav" WAVE
        TRACK 01 AUDIO
        INDEX 01 00:00:00
        TRACK 02 AUDIO
        INDEX 00 04:58:00
        FILE "two words.wav" WAVE
        INDEX 01 00:00:00
        FILE three.wav WAVE
        TRACK 03 AUDIO
        INDEX 01 00:00:00"""
    assert [(file.name, [track.number for track in file.tracks]) for file in parse(sheet.encode()).files] == [
        ("one.wav", [1]),
        ("two words.wav", [2]),
        ("three.wav", [3]),
    ]


def test_only_index_1_says_when_a_track_begins_whatever_the_others_say() -> None:
    sheet = b'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 00 00:01:99\nINDEX 01 00:02:00\nINDEX 02 00:70:00'
    assert [track.start_ms for track in parse(sheet).files[0].tracks] == [2000]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "names no track"),
        (b"#EXTM3U\nsong.mp3\n", "names no track"),
        (b'FILE "a.wav" WAVE\nTRACK one AUDIO', "line 2: expected a number behind TRACK"),
        (b'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 soon', "line 3: expected INDEX"),
        (b'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:61:00', "line 3: .* is no time"),
        (b'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:01:75', "line 3: .* is no time"),
        (b"TRACK 01 AUDIO\nINDEX 01 00:00:00", "line 2: INDEX stands before FILE"),
        (b'FILE "a.wav" WAVE\n' + b"TRACK 1 AUDIO\n" * 1_000, "more than 999 tracks"),
        (bytes(MAX_CUE_SHEET_BYTES + 1), "more than 256 KB"),
    ],
)
def test_what_cannot_be_used_says_why(content: bytes, problem: str) -> None:
    with pytest.raises(CueSheetUnusable, match=problem):
        parse(content)


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail_otherwise(content: bytes) -> None:
    for sheet in (content, ALBUM.encode()[:60] + content + ALBUM.encode()[60:]):
        try:
            parse(sheet)
        except CueSheetUnusable:
            continue


def file_of(*starts: int, data: int | None = None) -> CueFile:
    return CueFile(
        "a.wav", tuple(CueTrack(n, start, f"Track {n}", is_audio=n != data) for n, start in enumerate(starts, 1))
    )


def test_each_track_goes_on_to_where_the_next_begins() -> None:
    file = file_of(440, 15_000, 30_000)
    assert segments(file, 45_000) == [
        CueSegment(file.tracks[0], 440, 15_000),
        CueSegment(file.tracks[1], 15_000, 30_000),
        CueSegment(file.tracks[2], 30_000, 45_000),
    ]
    assert segments(file, 45_000)[1].name == "15000-30000"


def test_a_track_of_data_is_none_and_ends_the_one_before() -> None:
    assert [(part.start_ms, part.end_ms) for part in segments(file_of(0, 10_000, 20_000, data=3), 99_000)] == [
        (0, 10_000),
        (10_000, 20_000),
    ]


@pytest.mark.parametrize(
    ("starts", "problem"),
    [((0, 0), "do not follow"), ((0, 20_000, 10_000), "do not follow"), ((0, 45_000), "behind the end")],
)
def test_a_sheet_of_another_file_is_not_used(starts: tuple[int, ...], problem: str) -> None:
    with pytest.raises(CueSheetUnusable, match=problem):
        segments(file_of(*starts), 45_000)
