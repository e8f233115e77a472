"""The dialog for a key: it opens where the API asks for one, and goes with its tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .actions import SEED_URN, cards

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from .guard import Guard

KEY = "a key of these tests"
PROBLEM = {"type": "urn:soundalike:problem:key-wanted", "title": "API key required", "detail": "needs a key"}


@pytest.fixture
def keyed(page: Page, guard: Guard) -> Page:
    """The page of a platform that answers with `KEY` only."""
    guard.allow_status(401)

    def answer(route: Route) -> None:
        if route.request.headers.get("authorization") == f"Bearer {KEY}":
            route.continue_()
        else:
            route.fulfill(status=401, json=PROBLEM)

    page.route("**/recommend?*", answer)
    page.route("**/search?*", answer)
    return page


def test_a_key_is_asked_for_once_and_used(keyed: Page) -> None:
    keyed.goto(f"?track={SEED_URN}")
    dialog = keyed.get_by_role("dialog", name="Key for the API")
    expect(dialog.get_by_label("Key", exact=True)).to_be_focused()
    dialog.get_by_label("Key", exact=True).fill("another")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog.get_by_text("unknown, expired or revoked")).to_be_visible()
    dialog.get_by_label("Key", exact=True).fill(KEY)
    dialog.get_by_label("Key", exact=True).press("Enter")
    expect(dialog).to_be_hidden()
    expect(cards(keyed)).to_have_count(10)
    assert KEY not in keyed.url
    keyed.reload()
    expect(cards(keyed)).to_have_count(10)


def test_who_has_no_key_is_not_asked_again_and_again(keyed: Page) -> None:
    keyed.goto(f"?track={SEED_URN}")
    dialog = keyed.get_by_role("dialog", name="Key for the API")
    dialog.get_by_role("button", name="Cancel").click()
    expect(keyed.get_by_role("alert")).to_contain_text("answers to people with a key")
    with keyed.expect_response("**/recommend?*"):
        keyed.get_by_role("button", name="Try again").click()
    expect(dialog).to_be_hidden()
    keyed.get_by_role("alert").get_by_role("button", name="Enter a key").click()
    expect(dialog).to_be_visible()


def test_a_key_is_forgotten_with_its_tab(keyed: Page) -> None:
    keyed.goto(f"?track={SEED_URN}")
    keyed.get_by_label("Key", exact=True).fill(KEY)
    keyed.get_by_label("Key", exact=True).press("Enter")
    expect(cards(keyed)).to_have_count(10)
    other = keyed.context.new_page()
    other.goto("")
    assert other.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    keyed.get_by_role("contentinfo").get_by_role("button", name="Change the key").click()
    keyed.get_by_role("button", name="Forget the key").click()
    assert keyed.evaluate("sessionStorage.length") == 0
