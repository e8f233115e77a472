from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.csv_cells import defuse, restore
from soundalike.testing.hostile_text import FORMULAS

NEAR_FORMULAS = st.text(st.sampled_from("=+-@\t\r\n ,;'\"`a1\uff1d\u2212\ufe63\xa0\u200b|"), max_size=8)


@pytest.mark.parametrize("formula", [*FORMULAS, "\t1", "\r1", "\n1", "\u2212 1", "\u201c=1"])
def test_a_formula_gets_a_quote_and_loses_it_again(formula: str) -> None:
    assert defuse(formula) != formula
    assert defuse(formula).replace("'", "") == formula.replace("'", "")
    assert restore(defuse(formula)) == formula


@pytest.mark.parametrize(
    "text", ["", "Song", "'74-'75", "A-ha", "1 + 1", "rock'n'roll", "1", "AC/DC", "e = mc2", "'", "''"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert defuse(text) == text
    assert restore(text) == text


@given(st.text() | NEAR_FORMULAS)
def test_every_text_comes_back(text: str) -> None:
    assert restore(defuse(text)) == text


@given(NEAR_FORMULAS)
def test_no_cell_begins_with_a_formula_whatever_separates_cells(text: str) -> None:
    cells = [defuse(text)]
    for separator in ",;\t\r\n":
        cells = [cell for each in cells for cell in each.split(separator)]
    for cell in cells:
        start = cell.lstrip(' \xa0"')[:1]
        assert not start or unicodedata.normalize("NFKC", start) not in set("=+-@")
