from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.text import clean, clean_or_none, escape, escape_json
from soundalike.testing.hostile_text import HOSTILE_TEXTS, active_characters

ANYTHING = st.text(st.characters(exclude_categories=()))
EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))


def test_nul_and_lone_surrogates_go_the_rest_stays() -> None:
    assert clean(" a\x00b\ud800 Ж😀 ") == "ab Ж😀"


def test_nothing_left_is_none() -> None:
    assert clean_or_none("\x00 ") is None
    assert clean_or_none("\x1b\u202e\n") is None
    assert clean_or_none(None) is None


def test_no_character_that_acts_is_left_of_all_that_there_are() -> None:
    assert active_characters(clean(EVERY_CHARACTER)) == set()
    assert active_characters(escape(EVERY_CHARACTER)) == set()


def test_characters_to_read_stay() -> None:
    read = {c for c in EVERY_CHARACTER if unicodedata.category(c)[0] in "LMNPS" and not active_characters(c)}
    assert read <= set(clean(EVERY_CHARACTER))
    for spelt_with_joiners in ("\u0645\u06cc\u200c\u062e\u0648", "\U0001f469\u200d\U0001f680"):
        assert clean(spelt_with_joiners) == spelt_with_joiners


def test_a_line_break_becomes_a_space() -> None:
    assert clean("one\r\ntwo\tthree\u2028four\x85five") == "one two three four five"


@given(ANYTHING)
def test_clean_and_escaped_texts_are_one_line(text: str) -> None:
    for line in (clean(text), escape(text)):
        assert active_characters(line) == set()
        assert len(line.splitlines()) <= 1
        line.encode("utf-8")
    assert clean(clean(text)) == clean(text)


def test_what_is_escaped_can_be_seen() -> None:
    assert escape("a\x1b]0;t\x07\n\u202e\x9b\U000e0041\udcff") == r"a\x1b]0;t\x07\n\u202e\x9b\U000e0041\udcff"
    assert escape("a\n\tb", keep="\n\t") == "a\n\tb"


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_escaped_json_says_the_same(hostile: str, indent: int | None) -> None:
    document = json.dumps({"title": hostile, hostile: [1, 2]}, ensure_ascii=False, indent=indent)
    escaped = escape_json(document)
    assert active_characters(escaped, keep="\n") == set()
    assert json.loads(escaped) == json.loads(document)
