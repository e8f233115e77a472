# ruff: noqa: RUF001 - letters that look like others are what is tested
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.spellings import search_words, spellings, squash


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Ke$ter", "kester"),
        ("Gla$$", "glass"),
        ("B!rd", "bird"),
        ("@rea", "area"),
        ("Œdipe", "oedipe"),
        ("ﬂoor", "floor"),
        ("ʙɪʀᴅ", "bird"),
        ("ＷＩＤＥ", "wide"),
        ("Größe", "groesse"),
        ("Größe", "grosse"),
        ("ФOЯMA", "фorma"),
        ("L'Été", "ete"),
        ("X&Y", "xny"),
        ("A.B.C", "abc"),
        ("Wr3ck", "wreck"),
    ],
)
def test_words_are_spelled_in_plain_letters(name: str, word: str) -> None:
    assert word in spellings(name).words


@pytest.mark.parametrize("name", ["", "!!!", "†††", "$", "Bird", "2024", "東京", "Группа"])
def test_plain_names_have_no_other_spelling(name: str) -> None:
    assert spellings(name).words <= {name.lower()}
    assert spellings(name).joined == frozenset()


@pytest.mark.parametrize("name", ["Stop!", "5$", "$5", "No. 1!", "R2 D2", "U2", "Track 10", "2Pac3"])
def test_symbols_and_digits_are_letters_only_beside_letters(name: str) -> None:
    assert not {word for word in spellings(name).words if word.endswith(("stopi", "s5", "5s", "1i", "uz", "lo"))}
    assert "trackio" not in spellings(name).joined


def test_names_without_spaces_conjunctions_and_accents_are_equal() -> None:
    assert squash("Bänd & The Ørchestra") == squash("band and the orchestra") == squash("BandTheOrchestra")


@given(st.text(max_size=40))
def test_any_text_can_be_spelled_and_read(text: str) -> None:
    words = spellings(text).words | spellings(text).joined | {word for words in search_words(text) for word in words}
    assert all(word and not set(word) & set(" \t\n") for word in words)
    assert len(words) < 200
