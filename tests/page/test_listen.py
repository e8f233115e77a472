"""Listening: own files in the page's player, tracks of services in the service's own, the keys of the whole page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .actions import SEED, SEED_URN, card, cards, search_box
from .demo_program import OWN_FILES

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from .guard import Guard

OWN = f"?track={SEED_URN}&source=file&max_per_album=100&max_per_artist=100"


@pytest.fixture
def own(page: Page) -> Page:
    """The page with own files as results."""
    page.goto(OWN)
    expect(cards(page).nth(len(OWN_FILES) - 1)).to_be_visible()
    return page


def player(page: Page) -> Locator:
    return page.get_by_role("region", name="Player")


def position(page: Page) -> Locator:
    return player(page).get_by_role("slider", name="Position")


def expect_sound(page: Page) -> None:
    """Wait until a second of sound was played."""
    expect(position(page)).to_have_attribute("aria-valuetext", re.compile(r"0:0[1-9] of"))


@pytest.mark.parametrize("own_file", OWN_FILES, ids=lambda own_file: own_file.name.rpartition(".")[2])
def test_an_own_file_is_heard(own: Page, own_file: object) -> None:
    card(own, own_file.title).get_by_role("button", name=f"Play {own_file.title}").click()
    expect(player(own)).to_contain_text(own_file.title)
    expect_sound(own)
    expect(position(own)).to_have_attribute("aria-valuetext", re.compile("of 0:30"))
    player(own).get_by_role("button", name="Pause", exact=True).click()
    expect(player(own).get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_one_can_go_to_another_place_of_a_track(own: Page) -> None:
    card(own, "Kiln").get_by_role("button", name="Play Kiln").click()
    expect_sound(own)
    position(own).fill("20")
    expect(position(own)).to_have_attribute("aria-valuetext", re.compile(r"0:2[0-9] of"))


def test_one_can_go_to_another_place_of_what_is_transcoded(own: Page) -> None:
    card(own, "Orchard Waltz").get_by_role("button", name="Play Orchard Waltz").click()
    expect_sound(own)
    position(own).fill("20")
    expect(position(own)).to_have_attribute("aria-valuetext", re.compile(r"0:2[1-9] of"))


def test_the_player_stays_when_the_view_changes(own: Page) -> None:
    card(own, "Kiln").get_by_role("button", name="Play Kiln").click()
    expect_sound(own)
    own.get_by_role("link", name="Status").click()
    expect(own.get_by_role("heading", name="Status")).to_be_visible()
    expect(player(own).get_by_role("button", name="Pause", exact=True)).to_be_visible()
    player(own).get_by_role("button", name="Close the player").click()
    expect(player(own)).to_have_count(0)


def test_the_next_track_follows(own: Page) -> None:
    first, second = (cards(own).nth(number).get_by_role("heading").inner_text() for number in (0, 1))
    card(own, first).get_by_role("button", name=f"Play {first}").click()
    expect_sound(own)
    position(own).fill("29")
    expect(player(own)).to_contain_text(second)


def test_the_player_of_a_service_is_loaded_only_after_a_click(page: Page, guard: Guard) -> None:
    guard.allow_host("open.spotify.com")
    requests: list[str] = []

    def answer(route: object) -> None:
        requests.append(route.request.url)
        route.fulfill(content_type="text/html", body="<title>player</title>")

    page.route("https://open.spotify.com/**", answer)
    page.goto(f"?track={SEED_URN}")
    expect(cards(page).first).to_be_visible()
    assert requests == []
    card(page, "Load-Bearing").get_by_role("button", name="Play Load-Bearing").click()
    frame = player(page).locator("iframe")
    expect(frame).to_have_attribute("title", "Load-Bearing in the player of Spotify")
    expect(frame).to_have_attribute("src", re.compile(r"^https://open\.spotify\.com/embed/track/\w{22}$"))
    page.wait_for_load_state("networkidle")
    assert len(requests) == 1


def test_keys_play_pause_and_move(own: Page) -> None:
    own.keyboard.press("j")
    own.keyboard.press("j")
    expect(cards(own).nth(1)).to_be_focused()
    own.keyboard.press("ArrowUp")
    expect(cards(own).nth(0)).to_be_focused()
    own.keyboard.press("Enter")
    expect_sound(own)
    own.keyboard.press("Space")
    expect(player(own).get_by_role("button", name="Play", exact=True)).to_be_visible()
    own.keyboard.press("ArrowRight")
    own.keyboard.press("ArrowRight")
    expect(position(own)).to_have_attribute("aria-valuetext", re.compile(r"0:1\d of"))
    own.keyboard.press("ArrowLeft")
    expect(position(own)).to_have_attribute("aria-valuetext", re.compile(r"0:0[5-9] of"))
    second = cards(own).nth(1).get_by_role("heading").inner_text()
    own.keyboard.press("n")
    expect(player(own)).to_contain_text(second)


def test_a_slash_leads_to_the_search(page: Page) -> None:
    page.goto("")
    page.keyboard.press("/")
    expect(search_box(page)).to_be_focused()
    page.keyboard.type("a / b ? j")
    expect(search_box(page)).to_have_value("a / b ? j")


def test_a_question_mark_shows_the_keys(page: Page, assert_accessible: Callable[[Page], None]) -> None:
    page.goto("")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_player_is_accessible_and_hides_nothing(
    own: Page, assert_accessible: Callable[[Page], None], width: int
) -> None:
    own.set_viewport_size({"width": width, "height": 800})
    card(own, "Kiln").get_by_role("button", name="Play Kiln").click()
    expect_sound(own)
    player(own).get_by_role("button", name="Pause", exact=True).click()
    assert_accessible(own)
    assert own.evaluate("document.documentElement.scrollWidth") <= width
    footer = own.get_by_role("contentinfo")
    footer.scroll_into_view_if_needed()
    own.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    assert footer.bounding_box()["y"] + footer.bounding_box()["height"] <= player(own).bounding_box()["y"] + 1


def test_sound_that_is_refused_is_told(own: Page, guard: Guard) -> None:
    guard.allow_status(404)
    own.route(
        "**/audio-links/**",
        lambda route: route.fulfill(
            status=404, content_type="application/problem+json", json={"title": "Gone", "detail": "The file is gone."}
        ),
    )
    card(own, "Kiln").get_by_role("button", name="Play Kiln").click()
    expect(player(own).get_by_role("alert")).not_to_be_empty()
    expect(player(own).get_by_role("button", name="Try again")).to_be_visible()


def test_what_plays_is_no_part_of_the_address(own: Page) -> None:
    before = own.url
    card(own, "Kiln").get_by_role("button", name="Play Kiln").click()
    expect_sound(own)
    assert own.url == before
    assert SEED not in own.url
