"""The player of the page and its keys, with own files of kinds that the browser plays and of one that it does not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page, Route

    from .guard import Guard


def open_results(page: Page, *, source: str = "file") -> None:
    """Show results of one source."""
    tracks = page.request.get("tracks", params={"source": "file", "state": "ready", "n": "1"}).json()["tracks"]
    page.goto(f"?track={tracks[0]['urn']}&source={source}&n=20")
    expect(page.locator("[data-card]").first).to_be_visible()


def player(page: Page) -> Locator:
    return page.get_by_role("region", name="Player")


def position(page: Page) -> Locator:
    return player(page).get_by_role("slider", name="Position")


def play(page: Page, title: str) -> None:
    """Play an own file by its name."""
    tracks = page.request.get("search", params={"q": title}).json()["results"]
    page.goto(f"?track={tracks[0]['urn']}&source=file&n=20")
    page.evaluate(
        "async (track) => (await import(new URL('page/player/player.js', document.baseURI))).play(track)", tracks[0]
    )
    expect(player(page)).to_contain_text(title)


@pytest.mark.parametrize("title", ["Kiln", "Harbour at Four", "Ferry Blues", "Orchard at Dusk"])
def test_an_own_file_plays_and_seeks_whatever_its_kind(page: Page, title: str) -> None:
    play(page, title)
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:0[1-9] of "))
    position(page).fill("12")
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:1[3-9] of "))
    player(page).get_by_role("button", name="Pause", exact=True).click()
    expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_a_result_plays_on_its_button_and_goes_on_while_the_view_changes(page: Page) -> None:
    open_results(page)
    card = page.locator("[data-card]").first
    title = card.get_by_role("heading").inner_text()
    card.get_by_role("button", name=f"Play {title}").click()
    expect(player(page)).to_contain_text(title)
    expect(card.get_by_role("button", name=f"Pause {title}")).to_be_visible()
    page.get_by_role("link", name="Status", exact=True).click()
    expect(page.get_by_role("heading", name="Status").first).to_be_visible()
    expect(player(page)).to_contain_text(title)
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:0[2-9] of "))
    player(page).get_by_role("button", name="Close the player").click()
    expect(player(page)).to_have_count(0)


def test_the_keys_do_what_their_help_says(page: Page) -> None:
    open_results(page)
    cards = page.locator("[data-card]")
    page.keyboard.press("j")
    expect(cards.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(player(page)).to_contain_text(cards.nth(0).get_by_role("heading").inner_text())
    page.keyboard.press("n")
    expect(player(page)).to_contain_text(cards.nth(1).get_by_role("heading").inner_text())
    page.keyboard.press("Shift+ArrowLeft")
    expect(player(page)).to_contain_text(cards.nth(0).get_by_role("heading").inner_text())
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:0[1-9] of "))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:(1[1-9]|2\d) of "))
    page.keyboard.press(" ")
    expect(player(page).get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("/")
    search = page.locator("#search")
    expect(search).to_be_focused()
    # In a field they are letters.
    page.keyboard.type("n?j")
    expect(search).to_have_value("n?j")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_space_plays_the_result_that_has_the_focus_while_nothing_is_in_the_player(page: Page) -> None:
    open_results(page)
    page.keyboard.press("j")
    page.keyboard.press(" ")
    expect(player(page)).to_contain_text(page.locator("[data-card]").first.get_by_role("heading").inner_text())


def test_the_help_opens_by_its_key_and_can_switch_the_keys_off(
    page: Page, assert_accessible: Callable[[Page], None]
) -> None:
    open_results(page)
    page.locator("[data-card]").first.focus()
    page.keyboard.press("?")
    help_dialog = page.get_by_role("dialog", name="Keyboard")
    expect(help_dialog).to_be_visible()
    assert_accessible(page)
    help_dialog.get_by_role("checkbox", name="Use these keys").uncheck()
    page.keyboard.press("Escape")
    expect(help_dialog).to_have_count(0)
    page.locator("[data-card]").first.focus()
    page.keyboard.press("?")
    page.keyboard.press("j")
    expect(page.locator("[data-card]").first).to_be_focused()
    expect(help_dialog).to_have_count(0)
    page.get_by_role("button", name="Keyboard").click()
    expect(help_dialog.get_by_role("checkbox")).not_to_be_checked()


def test_the_player_of_a_service_is_loaded_on_a_click_only(page: Page, guard: Guard) -> None:
    requests: list[str] = []

    def answer(route: Route) -> None:
        requests.append(route.request.url)
        route.fulfill(content_type="text/html", body="<!doctype html><p>A player</p>")

    guard.allow_host("open.spotify.com")
    page.context.route("https://open.spotify.com/**", answer)
    open_results(page, source="spotify")
    card = page.locator("[data-card]").first
    urn = card.get_attribute("data-urn") or ""
    assert requests == []
    card.get_by_role("button", name=re.compile("^Play ")).click()
    frame = player(page).locator("iframe")
    expect(frame).to_have_attribute("src", f"https://open.spotify.com/embed/track/{urn.rpartition(':')[2]}")
    expect(page.frame_locator(".player-embed").locator("p")).to_have_text("A player")
    assert len(requests) == 1
    player(page).get_by_role("button", name="Close the player").click()
    expect(frame).to_have_count(0)


def test_a_file_that_is_gone_is_told_in_words(
    page: Page, guard: Guard, assert_accessible: Callable[[Page], None]
) -> None:
    problem = {"type": "urn:soundalike:problem:file-gone", "title": "File is gone", "status": 410, "detail": "gone"}
    guard.allow_status(410)
    page.route(
        "**/audio-links/**",
        lambda route: route.fulfill(status=410, content_type="application/problem+json", body=json.dumps(problem)),
    )
    open_results(page)
    page.locator("[data-card]").first.get_by_role("button", name=re.compile("^Play ")).click()
    expect(player(page).get_by_role("alert")).to_contain_text("The file is not there any more")
    assert_accessible(page)
    page.unroute("**/audio-links/**")
    player(page).get_by_role("button", name="Try again").click()
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:0[1-9] of "))


def test_the_next_file_follows_by_itself(page: Page) -> None:
    open_results(page)
    first, second = (page.locator("[data-card]").nth(number).get_by_role("heading").inner_text() for number in (0, 1))
    page.get_by_role("button", name=f"Play {first}").click()
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:0[1-9] of "))
    position(page).fill("29")
    expect(player(page)).to_contain_text(second)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_player_hides_nothing_and_axe_finds_no_violation(
    page: Page, assert_accessible: Callable[[Page], None], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    play(page, "Kiln")
    before = page.url
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"^0:0[1-9] of "))
    player(page).get_by_role("button", name="Pause", exact=True).click()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    footer = page.get_by_role("contentinfo").bounding_box()
    assert footer["y"] + footer["height"] <= player(page).bounding_box()["y"] + 1
    # What plays is nobody else's business: it is no part of a shared link.
    assert page.url == before
