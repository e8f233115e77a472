"""The focus stays where a person works, also where their change takes the element away that had it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .actions import SEED_URN, cards, search_box, suggestions

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def answers(page: Page) -> Page:
    page.goto(f"?track={SEED_URN}")
    expect(cards(page)).to_have_count(10)
    return page


@pytest.mark.parametrize("action", ["Not ", "More like "])
def test_a_card_that_goes_leaves_the_focus_to_the_next(answers: Page, action: str) -> None:
    title = cards(answers).nth(1).get_by_role("heading").inner_text()
    button = cards(answers).nth(1).get_by_role("button", name=action + title)
    button.focus()
    button.press("Enter")
    expect(answers.get_by_role("heading", name=title, exact=True)).to_have_count(0)
    expect(cards(answers).nth(1)).to_be_focused()


def test_a_new_start_has_the_focus_on_its_heading(answers: Page) -> None:
    title = cards(answers).nth(2).get_by_role("heading").inner_text()
    button = cards(answers).nth(2).get_by_role("button", name=f"Start from {title}")
    button.focus()
    button.press("Enter")
    expect(answers.get_by_role("heading", name=f"Sounds like {title}")).to_be_focused()


def test_the_last_seed_leaves_the_focus_to_the_search_box(answers: Page) -> None:
    remove = answers.get_by_role("list", name="The query").get_by_role("button", name="Remove")
    remove.focus()
    remove.press("Enter")
    expect(search_box(answers)).to_be_focused()


def test_the_search_box_is_a_combobox(page: Page) -> None:
    page.goto("")
    box = search_box(page)
    options = suggestions(page, "e")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id") or "")
    box.press("ArrowUp")
    box.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("e")
    box.press("Escape")
    expect(box).to_have_value("")
    expect(box).to_be_focused()
