"""How often the page asks the API, and which answer it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from .actions import SEED_URN, cards, search_box

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

MAX_RATE_HZ = 4
"""Recommendations that the page asks for in a second, at most."""


def test_a_slider_that_moves_does_not_flood_the_api(page: Page) -> None:
    page.goto(f"?track={SEED_URN}")
    expect(cards(page)).to_have_count(10)
    entries = page.evaluate("history.length")
    slider = page.get_by_role("slider", name="Strictness")
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 12, y)
    page.mouse.down()
    for step in range(240):
        page.mouse.move(box["x"] + 12 + step, y)
    page.mouse.up()
    value = slider.input_value()
    expect(page).to_have_url(re.compile(rf"min_score={re.escape(value)}\b"))
    expect(page.get_by_role("region", name="Sounds like")).to_have_attribute("aria-busy", "false")
    moments = page.evaluate(
        """performance.getEntriesByType("resource")
          .filter(({ name }) => name.includes("/recommend?"))
          .map(({ startTime }) => startTime)"""
    )
    seconds = (max(moments) - min(moments)) / 1000
    assert 3 <= len(moments) <= 2 + MAX_RATE_HZ * seconds
    # One step of Back takes the whole movement back.
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    expect(slider).to_have_value("0")


def test_typing_asks_once_for_a_word(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: "/search?" in request.url and asked.append(request.url))
    page.goto("")
    search_box(page).evaluate(
        """field => {
          for (const length of [1, 2, 3, 4, 5, 6]) {
            field.value = "copper".slice(0, length);
            field.dispatchEvent(new InputEvent("input", { bubbles: true }));
          }
        }"""
    )
    expect(page.get_by_role("option").first).to_contain_text("Copper Corridor")
    assert [parse_qs(urlsplit(url).query)["q"] for url in asked] == [["copper"]]


def test_late_suggestions_never_replace_newer_ones(page: Page) -> None:
    late: list[Route] = []
    page.goto("")
    page.route("**/search?q=waltz&*", lambda route: late.append(route))  # noqa: PLW0108 - Playwright writes to it
    with page.expect_request("**/search?q=waltz&*"):
        search_box(page).fill("waltz")
    search_box(page).fill("copper corridor")
    option = page.get_by_role("option").first
    expect(option).to_contain_text("Copper Corridor")
    for route in late:
        route.fulfill(json={"results": []})
    page.wait_for_timeout(200)
    expect(option).to_contain_text("Copper Corridor")


def test_enter_waits_for_the_suggestions_of_the_whole_text(page: Page) -> None:
    page.goto("")
    search_box(page).fill("copper corridor")
    search_box(page).press("Enter")
    expect(page.get_by_role("heading", name="Sounds like Copper Corridor")).to_be_visible()


def test_parameters_that_are_not_ours_are_not_sent(page: Page) -> None:
    with page.expect_response("**/recommend?*") as response:
        page.goto(f"?track={SEED_URN}&utm_source=mail")
    assert parse_qs(urlsplit(response.value.url).query).keys() == {"track"}
    expect(cards(page)).to_have_count(10)


def test_an_answer_that_takes_long_has_its_place_shown(page: Page) -> None:
    late: list[Route] = []
    page.route("**/recommend?*", lambda route: late.append(route))  # noqa: PLW0108 - Playwright writes to it
    page.goto(f"?track={SEED_URN}")
    expect(page.locator(".skeleton").first).to_be_visible()
    # Which lets go of the request that waits.
    page.unroute("**/recommend?*")
    expect(cards(page)).to_have_count(10)
    expect(page.locator(".skeleton")).to_have_count(0)
