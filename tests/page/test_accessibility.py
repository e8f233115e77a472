"""Everybody can use the page: axe, the keyboard alone, narrow and wide windows, dark and light, less motion, zoom."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .actions import SEED, SEED_URN, card, cards, suggestions, titles

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

ANSWERS = f"?track={SEED_URN}"


def show_start(page: Page) -> None:
    page.goto("")
    expect(page.get_by_role("region", name="Or start from one of these")).to_be_visible()


def show_suggestions(page: Page) -> None:
    page.goto("")
    suggestions(page, "o")


def show_answers(page: Page) -> None:
    page.goto(ANSWERS)
    expect(cards(page).first).to_be_visible()


def show_layers_and_tags(page: Page) -> None:
    page.goto(f"{ANSWERS}&tag=electronic&not_tag=country")
    cards(page).first.get_by_text("Where they are alike").click()
    page.get_by_text("All tags").click()
    expect(
        page.get_by_role("group", name="Tags").get_by_role("button", name="rock: no condition", exact=True)
    ).to_be_visible()


def show_nothing(page: Page) -> None:
    page.goto(f"{ANSWERS}&min_duration=86400")
    expect(page.get_by_text(re.compile("No track passes"))).to_be_visible()


def show_key_dialog(page: Page) -> None:
    page.goto("")
    page.get_by_role("button", name="Enter a key").click()
    expect(page.get_by_role("dialog", name="Key for the API")).to_be_visible()


def show_menu(page: Page) -> None:
    page.goto(ANSWERS)
    cards(page).first.get_by_label(re.compile("^More to do with")).click()
    expect(cards(page).first.get_by_role("button", name=re.compile("^Leave out"))).to_have_count(2)


SITUATIONS: list[Callable[[Page], None]] = [
    show_start,
    show_suggestions,
    show_answers,
    show_layers_and_tags,
    show_nothing,
    show_key_dialog,
    show_menu,
]

in_every_situation = pytest.mark.parametrize("show", SITUATIONS, ids=lambda show: show.__name__)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@in_every_situation
def test_axe_finds_no_violation(
    new_context: Callable[..., BrowserContext],
    assert_accessible: Callable[[Page], None],
    show: Callable[[Page], None],
    scheme: str,
) -> None:
    page = new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    show(page)
    assert_accessible(page)


@pytest.mark.parametrize("width", [360, 2560])
@in_every_situation
def test_nothing_is_wider_than_the_window(
    new_context: Callable[..., BrowserContext], show: Callable[[Page], None], width: int
) -> None:
    page = new_context(viewport={"width": width, "height": 800}).new_page()
    if width == 360 and show is show_layers_and_tags:
        page.goto(f"{ANSWERS}&tag=electronic")
        page.get_by_text("Tune").first.click()
    else:
        show(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_pressed_is_large_enough(page: Page) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24 CSS pixels, but for links within a sentence."""
    page.goto(ANSWERS)
    expect(cards(page).first).to_be_visible()
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, summary, input, nav a")]
          .filter((element) => element.checkVisibility() && !element.closest(".visually-hidden"))
          .map((element) => [element.closest("label") ?? element, element])
          .map(([target, element]) => [target.getBoundingClientRect(), element.outerHTML.slice(0, 90)])
          .filter(([box]) => box.width > 1 && (box.width < 24 || box.height < 24))
          .map(([box, name]) => `${box.width} x ${box.height}: ${name}`)"""
    )
    assert small == []


def test_nothing_moves_where_motion_is_unwelcome(new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    page.goto(ANSWERS)
    expect(cards(page).first).to_be_visible()
    moving = page.evaluate(
        "document.getAnimations().filter((each) => each.playState === 'running').map((each) => each.animationName)"
    )
    assert moving == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system(new_context: Callable[..., BrowserContext], scheme: str) -> None:
    page = new_context(color_scheme=scheme).new_page()
    show_start(page)
    red, green, blue = (
        int(number)
        for number in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3]
    )
    assert (red + green + blue > 3 * 200) == (scheme == "light")


def test_the_main_path_needs_the_keyboard_only(page: Page) -> None:
    page.goto("")
    press_until_focus(page, "Tab", re.compile("^search$"))
    page.keyboard.type("copper corr")
    expect(page.get_by_role("listbox", name="Matching tracks").get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Sounds like {SEED}")).to_be_visible()
    expect(cards(page).first).to_be_visible()
    press_until_focus(page, "Tab", re.compile("^More like .*: add it to the query$"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sounds like these 2 tracks")).to_be_visible()


def test_the_active_suggestion_is_in_sight(new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(viewport={"width": 640, "height": 360}).new_page()
    page.goto("")
    options = suggestions(page, "o")
    expect(options).to_have_count(8)
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    expect(options.last).to_have_attribute("aria-selected", "true")
    expect(options.last).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_in_viewport(ratio=0.9)


def test_the_focus_stays_near_what_was_removed(page: Page) -> None:
    page.goto(ANSWERS)
    expect(cards(page).first).to_be_visible()
    title = titles(page)[0]
    button = page.get_by_role("button", name=f"Not {title}, nor what sounds like it")
    button.focus()
    page.keyboard.press("Enter")
    expect(card(page, title)).to_have_count(0)
    page.wait_for_function("document.activeElement.matches('[data-card], [data-card] *, #answers-title')")


def test_a_dialog_gives_the_focus_back(page: Page) -> None:
    page.goto("")
    opener = page.get_by_role("button", name="Enter a key")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_screen_reader_hears_how_many_results_there_are(page: Page) -> None:
    page.goto(ANSWERS)
    expect(page.get_by_role("status").filter(has_text=re.compile("^10 results$"))).to_have_count(1)


def test_headings_are_in_order(page: Page) -> None:
    page.goto(ANSWERS)
    expect(cards(page).first).to_be_visible()
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((each) => Number(each.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def press_until_focus(page: Page, key: str, name: re.Pattern[str]) -> None:
    """Press a key until something with that label or id has the focus."""
    for _ in range(60):
        page.keyboard.press(key)
        focus = page.evaluate("document.activeElement.ariaLabel || document.activeElement.id")
        if name.search(focus):
            return
    pytest.fail(f"{key} never led to {name.pattern}")
