from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.artist_names import ONE_ARTIST
from soundalike.domain.artists import MAX_ARTISTS, decide, decide_cell, doubtful_names, holds_tight_comma
from soundalike.domain.titles import fold_artists

if TYPE_CHECKING:
    from collections.abc import Callable

SURE = [
    ("Glass Choir; Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir;Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir / Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir // Pavo", ("Glass Choir", "Pavo")),
    (r"Glass Choir\\Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir | Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir\0Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir\r\nPavo", ("Glass Choir", "Pavo")),
    ("Glass Choir、Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir\uff1bPavo", ("Glass Choir", "Pavo")),
    ("Glass Choir,Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir feat. Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir ft Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir Featuring Pavo", ("Glass Choir", "Pavo")),
    ("Glass Choir (feat. Pavo & Quill)", ("Glass Choir", "Pavo", "Quill")),
    ("Glass Choir [with Pavo]", ("Glass Choir", "Pavo")),
    ("Glass Choir feat. Earth, Wind & Fire", ("Glass Choir", "Earth, Wind & Fire")),
    ("Glass Choir; Pavo; glass choir", ("Glass Choir", "Pavo")),
    # What separates once is no doubt any more.
    ("Glass Choir; Pavo, Quill", ("Glass Choir", "Pavo, Quill")),
]

ONE = [
    *("AC/DC", "Earth, Wind & Fire", "Earth,Wind and Fire", "Earth, Wind &amp; Fire", "Tyler, the Creator"),
    *("Crosby, Stills, Nash & Young", "Simon & Garfunkel", "10,000 Maniacs", "10 Ft. Ganja Plant"),
    *("Yusuf / Cat Stevens", "M|O|O|N", "Axwell /\\ Ingrosso", "Fluke/Luke", "Dances with Wolves"),
    *("Harry Connick, Jr.", "Some Singer & the Somebodies", "Some Leader and His Orchestra"),
    *("Nobody, Anybody", "Nobody & Anybody", "Nobody x Anybody", "Nobody vs Anybody", "Nobody + Anybody", "a/b", "R&B"),
]  # fmt: skip


def known(*names: str) -> Callable[[str], bool]:
    folded = fold_artists(names)
    return lambda name: fold_artists([name]) <= folded


@pytest.mark.parametrize(("credit", "artists"), SURE)
def test_separators_without_doubt(credit: str, artists: tuple[str, ...]) -> None:
    assert decide([credit], known()) == artists


@pytest.mark.parametrize("name", ONE)
def test_what_stays_one_artist(name: str) -> None:
    assert decide([name], known()) == (name,)


@pytest.mark.parametrize("name", sorted(ONE_ARTIST - {"Now, Now"}))
def test_artists_who_are_called_like_lists_stay_one_among_others_who_are_called_like_their_parts(name: str) -> None:
    parts = name.replace(",", "&").replace("/", "&").replace("+", "&").replace(" and ", "&").split("&")
    assert decide([name], known(*parts)) == (name,)
    # What separates artists without doubt is looked for first.
    if not any(separator in name for separator in (" / ", "|", "\\")):
        assert decide([f"Glass Choir, {name}"], known("Glass Choir", *parts)) == ("Glass Choir", name)


@pytest.mark.parametrize(
    ("credit", "artists"),
    [
        ("Glass Choir, Pavo", ("Glass Choir", "Pavo")),
        ("Glass Choir/Pavo", ("Glass Choir", "Pavo")),
        ("Glass Choir\uff0cPavo", ("Glass Choir", "Pavo")),
        ("Pavo, Glass Choir", ("Pavo", "Glass Choir")),
        ("Glass Choir vs. Pavo", ("Glass Choir", "Pavo")),
        ("Glass Choir & Pavo", ("Glass Choir", "Pavo")),
        ("Glass Choir \uff06 Pavo", ("Glass Choir", "Pavo")),
        ("Glass Choir x Pavo", ("Glass Choir", "Pavo")),
        ("Glass Choir, Pavo & Quill", ("Glass Choir", "Pavo", "Quill")),
        ("Glass Choir & Pavo feat. Quill", ("Glass Choir", "Pavo", "Quill")),
        ("Solo & Duo", ("Solo", "Duo")),
        ("Solo, Duo & 邓丽君", ("Solo", "Duo", "邓丽君")),
        ("邓丽君 & Pavo", ("邓丽君", "Pavo")),
        # The first word of a name, or its last, is somebody's name now and then.
        ("Solo & Nobody", ("Solo & Nobody",)),
        ("Solo, Wind & Rain", ("Solo, Wind & Rain",)),
        ("Nobody & Glass Choir", ("Nobody & Glass Choir",)),
        ("AB/CD", ("AB/CD",)),
        ("Glass Choir & The Pavos", ("Glass Choir & The Pavos",)),
        ("Glass Choir, the Pavo", ("Glass Choir, the Pavo",)),
    ],
)
def test_separators_that_leave_doubt_separate_who_is_known(credit: str, artists: tuple[str, ...]) -> None:
    assert decide([credit], known("Glass Choir", "Solo", "Duo", "邓丽君", "CD")) == artists


def test_a_name_that_is_known_as_a_whole_stays_whole() -> None:
    is_known = known("Pavo & Quill", "Pavo", "Quill", "Glass Choir")
    assert decide(["Pavo & Quill"], is_known) == ("Pavo & Quill",)
    assert decide(["Glass Choir, Pavo & Quill"], is_known) == ("Glass Choir", "Pavo & Quill")


def test_the_values_of_a_tag_are_names_each() -> None:
    assert decide(["Pavo & Quill", "Solo"], known("Pavo", "Quill")) == ("Pavo & Quill", "Solo")


@pytest.mark.parametrize(
    ("cell", "artists"),
    [
        ("Avicii, Nicky Romero", ("Avicii", "Nicky Romero")),
        ("Earth, Wind & Fire", ("Earth, Wind & Fire",)),
        ("Blood, Wind & Rain", ("Blood, Wind & Rain",)),
        ("Avicii, Simon & Garfunkel", ("Avicii", "Simon & Garfunkel")),
        ("Tyler, The Creator, Kali Uchis", ("Tyler, The Creator", "Kali Uchis")),
        ("Glass Choir, Pavo, The Quills", ("Glass Choir", "Pavo, The Quills")),
        ("Avicii; Nicky Romero", ("Avicii", "Nicky Romero")),
    ],
)
def test_artists_in_a_cell(cell: str, artists: tuple[str, ...]) -> None:
    assert not holds_tight_comma(cell)
    assert decide_cell(cell, known(), tight=False) == artists


def test_artists_in_a_cell_of_a_table_that_separates_them_without_a_space() -> None:
    assert holds_tight_comma("Tyler, The Creator,Kali Uchis")
    assert decide_cell("Tyler, The Creator,Kali Uchis", known(), tight=True) == ("Tyler, The Creator", "Kali Uchis")
    assert decide_cell("Pavo, Quill", known("Pavo"), tight=True) == ("Pavo, Quill",)
    assert not holds_tight_comma("10,000 Maniacs")


def test_what_must_be_known_for_a_decision() -> None:
    assert doubtful_names(["Glass Choir; Pavo"]) == doubtful_names(["AC/DC"]) == doubtful_names([]) == set()
    assert {"Glass Choir", "Pavo", "Glass Choir & Pavo"} <= doubtful_names(["Glass Choir & Pavo"])


@given(st.lists(st.text(st.sampled_from("ab ,;&/x(feat.)\\|\0、"), max_size=40), max_size=4), st.sets(st.text("ab ")))
def test_no_credit_loses_every_name(values: list[str], names: set[str]) -> None:
    artists = decide(values, names.__contains__)
    assert len(artists) <= MAX_ARTISTS
    assert all(artist == artist.strip() != "" for artist in artists)
    assert bool(artists) or not any(character in "ab" for value in values for character in value)
