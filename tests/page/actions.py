"""What a person does on the page, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from soundalike.sandbox.catalogue import pieces

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TECHNO = {piece.title: piece for piece in pieces() if piece.style == "techno"}
"""Pieces that sound alike, by title."""

SEED = "Copper Corridor"
SEED_URN = f"spotify:track:{TECHNO[SEED].spotify_id}"
CRAWLED_ARTIST = "Night Shift Gamelan"
"""Of the tracks that a test of crawls adds to the platform, which other tests use at the same time."""

TWINS = sorted({*TECHNO, "Kiln"} - {SEED})
"""What sounds like `SEED`: the pieces of its style, and the own file in that style."""


def search_box(page: Page) -> Locator:
    """Return the field in which a person types."""
    return page.get_by_role("combobox", name="A track, an artist, an album, or a link")


def suggestions(page: Page, text: str) -> Locator:
    """Type a text into the search box and return the options that appear."""
    search_box(page).fill(text)
    options = page.get_by_role("listbox", name="Matching tracks").get_by_role("option")
    expect(options.first).to_be_visible()
    return options


def start_from(page: Page, title: str) -> None:
    """Find a track by its title, choose it, and wait for the answer."""
    suggestions(page, title).filter(has_text=title).first.click()
    expect(page.get_by_role("heading", name=f"Sounds like {title}")).to_be_visible()
    expect(cards(page).first).to_be_visible()


def cards(page: Page) -> Locator:
    """Return the results."""
    return page.get_by_role("article")


def card(page: Page, title: str) -> Locator:
    """Return the result with a title."""
    return cards(page).filter(has=page.get_by_role("heading", name=title, exact=True))


def titles(page: Page) -> list[str]:
    """Return the titles of the results."""
    return cards(page).get_by_role("heading").all_inner_texts()
