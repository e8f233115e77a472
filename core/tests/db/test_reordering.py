from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soundalike.db.reordering import Change, changes

LISTS = st.lists(st.sampled_from("abcdef"), max_size=12).map(lambda items: list(enumerate(items)))


def listed(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text))


def test_nothing_happened() -> None:
    assert changes(listed("abca"), listed("abca")) == []


def test_what_makes_room_for_others_did_not_move() -> None:
    assert changes(listed("abc"), listed("xabc")) == [Change("added", "x", 0, None)]
    assert changes(listed("xabc"), listed("abc")) == [Change("removed", "x", None, 0)]


def test_one_entry_moved_past_the_others() -> None:
    assert changes(listed("abcde"), listed("eabcd")) == [Change("moved", "e", 0, 4)]


def test_an_item_that_stands_there_twice_loses_one() -> None:
    assert changes(listed("aba"), listed("ab")) == [Change("removed", "a", None, 2)]


@given(LISTS, LISTS)
def test_the_changes_lead_from_one_list_to_the_other(
    before: list[tuple[int, str]], after: list[tuple[int, str]]
) -> None:
    found = changes(before, after)
    gone = {change.former for change in found if change.kind != "added"}
    placed = {change.position: change.item for change in found if change.kind != "removed"}
    staying = iter([item for position, item in before if position not in gone])
    rebuilt = [placed[position] if position in placed else next(staying) for position in range(len(after))]
    assert rebuilt == [item for _, item in after]
    assert next(staying, None) is None


@given(st.lists(st.integers(0, 50).map(str), unique=True, max_size=12).map(lambda items: list(enumerate(items))))
def test_no_more_is_said_to_have_moved_than_has_to(before: list[tuple[int, str]]) -> None:
    if len(before) > 1:
        first, *others = [item for _, item in before]
        assert len(changes(before, list(enumerate([*others, first])))) <= 1
