from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.title_notes import VersionClass
from soundalike.domain.titles import fold, fold_artists, read_title, same_artists

SAME = [
    ("Café del Mar", "CAFE DEL MAR"),
    ("Don\u2019t Stop", "Dont stop"),
    ("Rock & Roll", "Rock and Roll"),
    ("Rock 'n' Roll", "Rock & Roll"),
    ("\uff26\uff55\uff4c\uff4c\u3000width", "full width"),
    ("Straße", "STRASSE"),
    ("Song - Remastered 2011", "Song"),
    ("Song - 2009 Remaster", "Song (Remastered)"),
    ("Song - 2002 - Remaster", "Song [Digital Remaster]"),
    ("Song - 2011 Remastered Version", "Song"),
    ("Song - Live - Remastered", "Song (Live)"),
    ("Song - Live / Remastered 2003", "Song (Live)"),
    ("Song\uff08Live\uff09", "Song - Live"),
    ("Привет, мир!", "привет мир"),
    ("Шёлковое сердце", "Шелковое сердце"),
    ("Νίκος", "ΝΙΚΟΣ"),
    ("夜に駆ける", "夜に駆ける - リマスター"),
    ("Song (feat. Guest)", "Song"),
    ("Song ft. Guest", "Song [featuring Guest]"),
    ("Song (feat. Guest) - Radio Edit", "Song (Radio Edit) [feat. Guest]"),
    ("Song (with Guest)", "Song"),
    ("Song (Album Version)", "Song"),
    ("Song - Original Mix", "Song"),
    ("Song (Explicit)", "Song"),
    ("Song (Official Video)", "Song"),
    ("Song (Bonus Track)", "Song"),
    ('Song (From "A Film")', "Song"),
    ("Song - From the Original Motion Picture Soundtrack", "Song"),
    ("Song (Acoustic Version)", "Song - Acoustic"),
    ("Song, Pt. 2", "Song Part II"),
    ("Song, Pt. 2", "Song (Part Two)"),
    ("Sonata No. 3", "Sonata no. iii"),
]

DIFFERENT = [
    ("Song", "Song - Live", VersionClass.LIVE),
    ("Song", "Song (Live at Wembley)", VersionClass.LIVE),
    ("Song", "Song (Ao Vivo)", VersionClass.LIVE),
    ("Song", "Song - MTV Unplugged", VersionClass.LIVE),
    ("Song", "Song (BBC Session)", VersionClass.LIVE),
    ("夜に駆ける", "夜に駆ける (ライブ)", VersionClass.LIVE),
    ("Song", "Song (Someone Remix)", VersionClass.REMIX),
    ("Song", "Song (2018 Mix)", VersionClass.REMIX),
    ("Song", "Song (VIP)", VersionClass.REMIX),
    ("Песня", "Песня (Ремикс)", VersionClass.REMIX),
    ("Song", "Song - Radio Edit", VersionClass.EDIT),
    ("Song", "Song - Single Version", VersionClass.EDIT),
    ("Song", "Song - Acoustic", VersionClass.ACOUSTIC),
    ("Song", "Song (Acústica)", VersionClass.ACOUSTIC),
    ("Song", "Song (Demo)", VersionClass.DEMO),
    ("Song", "Song - Take 3", VersionClass.DEMO),
    ("Song", "Song - Mono", VersionClass.MONO),
    ("Song", "Song (Mixed)", VersionClass.MIXED),
    ("Song", "Song (8D Audio)", VersionClass.OTHER),
    ("Song", "Song (Instrumental)", VersionClass.INSTRUMENTAL),
    ("노래", "노래 (Inst.)", VersionClass.INSTRUMENTAL),
    ("Song", "Song (Karaoke Version)", VersionClass.KARAOKE),
    ("Song", "Song [Originally Performed by Someone]", VersionClass.KARAOKE),
    ("Song", "Song (Sped Up)", VersionClass.SPED_UP),
    ("Song", "Song - slowed + reverb", VersionClass.SLOWED),
    ("Song", "Song (Extended Mix)", VersionClass.EXTENDED),
    ("Song", 'Song (12" Mix)', VersionClass.EXTENDED),
    ("Song", "Song (A Cappella)", VersionClass.A_CAPPELLA),
    ("Song", "Song (Someone's Version)", VersionClass.RERECORDED),
    ("Song", "Song - Re-recorded", VersionClass.RERECORDED),
    ("Song", "Song (Someone Cover)", VersionClass.COVER),
    ("Song", "Song - Orchestral Version", VersionClass.ORCHESTRAL),
    ("Song", "Song - Spanish Version", VersionClass.OTHER),
    ("Song (Live in Rome)", "Song (Live in Paris)", VersionClass.LIVE),
    ("Song (One Remix)", "Song (Another Remix)", VersionClass.REMIX),
    ("Song", "Song 2", None),
    ("Song, Pt. 1", "Song, Pt. 2", None),
    ("Symphony No. 5: I. Allegro", "Symphony No. 5: II. Andante", None),
    ("Song", "Song (Reprise)", None),
    ("Song", "Remaster of Song", None),
    ("Live", "Live Forever", None),
    ("Satisfaction", "(I Can't Get No) Satisfaction", None),
    ("Don't You", "Don't You (Forget About Me)", None),
    ("Dancing", "Dancing (With Myself)", None),
    ("Queenie", "50 ft Queenie", None),
    ("Home", "Home (Where I Live)", None),
    ("夜に駆ける", "夜を駆ける", None),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_and_editions_of_one_title(one: str, other: str) -> None:
    assert read_title(one).folded == read_title(other).folded
    assert read_title(one).versions == read_title(other).versions


@pytest.mark.parametrize(("one", "other", "version"), DIFFERENT)
def test_titles_of_different_recordings(one: str, other: str, version: VersionClass | None) -> None:
    assert read_title(one).folded != read_title(other).folded
    assert read_title(other).versions == (frozenset() if version is None else {version})


@pytest.mark.parametrize(
    ("title", "core", "versions"),
    [
        ("Song (Live) - 2011 Remaster", "song", {VersionClass.LIVE}),
        ("Song (feat. Guest) [Someone Remix]", "song", {VersionClass.REMIX}),
        ("Song (Live Acoustic)", "song", {VersionClass.LIVE, VersionClass.ACOUSTIC}),
        ("Song (Someone Remix Extended)", "song", {VersionClass.REMIX, VersionClass.EXTENDED}),
        ("Song (Part 2) [Live]", "song part 2", {VersionClass.LIVE}),
        ("Don't You (Forget About Me) - Live", "dont you forget about me", {VersionClass.LIVE}),
        ("Live", "live", set()),
        ("(Remastered)", "remastered", set()),
        ("- Live", "live", set()),
    ],
)
def test_the_core_is_what_versions_have_in_common(title: str, core: str, versions: set[VersionClass]) -> None:
    read = read_title(title)
    assert (read.core, set(read.versions)) == (core, versions)


def test_guests_are_read_from_titles() -> None:
    assert read_title("Song (feat. One, Two & The Third) - Live").guests == {"one", "two", "third"}
    assert read_title("Song ft. One [Remix]").guests == {"one"}
    assert read_title("Song with One").guests == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["The Beatles"], ["Beatles"], True),
        (["A", "B"], ["b", "a"], True),
        (["Simon & Garfunkel"], ["Simon", "Garfunkel"], True),
        (["A feat. B"], ["A", "B"], True),
        (["The The"], ["The"], False),
        (["A"], ["A", "B"], False),
        (["A"], ["B"], False),
        (["Various Artists"], ["Various Artists"], False),
        (["<Unknown>"], ["<Unknown>"], False),
        ([""], [""], False),
        ([], [], False),
    ],
)
def test_artists(one: list[str], other: list[str], same: bool) -> None:
    assert same_artists(fold_artists(one), fold_artists(other)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("がき", "かき"),
        ("夜に駆ける", "夜を駆ける"),
        ("हिंदी", "हद"),
        ("كتاب", "كتب"),
        ("йод", "иод"),
        ("!!!", "???"),
        ("ø", "o"),
    ],
)
def test_folding_keeps_apart_what_other_scripts_and_signs_tell_apart(one: str, other: str) -> None:
    assert fold(one)
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_is_settled_after_one_time_and_loses_no_text_entirely(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded or not folded.isascii()
    if any(character.isalnum() for character in text):
        assert folded


words = st.lists(
    st.sampled_from(
        ["Song", "(", ")", "[", "]", " - ", "Live", "feat. ", "Remaster", "2011", "Mix", "/", "Version", "é"]
    ),
    max_size=12,
)


@given(words.map(" ".join))
def test_no_title_is_read_as_nothing(title: str) -> None:
    read = read_title(title)
    assert bool(read.core) == bool(fold(title))
    assert bool(read.folded) == bool(fold(title))
