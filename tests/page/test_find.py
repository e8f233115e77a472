"""Finding music: type-ahead, links, files, a surprise, and what a catalogue without any says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.own_files import OWN_FILES

from .actions import CRAWLED_ARTIST, SEED, SEED_URN, cards, search_box, start_from, suggestions, titles

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Route

    from .demo_program import DemoPlatform

AMBIENT = {piece.title for piece in pieces() if piece.style == "ambient"}


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("copper corr", SEED),
        ("coper coridor", SEED),
        ("strobe logic", SEED),
        ("KONTUR 88", SEED),
        ("waltz closed cafe", "Waltz for a Closed Café"),
        ("harbour at f", "Harbour at Four"),
    ],
    ids=["beginning", "typos", "album", "artist", "accents", "own-file"],
)
def test_type_ahead_finds_a_track(page: Page, typed: str, title: str) -> None:
    page.goto("")
    expect(suggestions(page, typed).filter(has_text=title).first).to_be_visible()


def test_a_chosen_suggestion_is_the_query(page: Page) -> None:
    page.goto("")
    start_from(page, SEED)
    assert f"track={SEED_URN.replace(':', '%3A')}" in page.url
    expect(page).to_have_title(re.compile(f"^Sounds like {SEED} . Soundalike$"))


def test_what_is_unknown_is_said(page: Page) -> None:
    page.goto("")
    search_box(page).fill("zzyzx quux")
    expect(page.get_by_role("status").filter(has_text="No track is called “zzyzx quux” here.")).to_be_visible()


@pytest.mark.parametrize("link", ["https://open.spotify.com/track/{}?si=abc", "spotify:track:{}"])
def test_a_link_finds_its_track(page: Page, link: str) -> None:
    page.goto("")
    options = suggestions(page, link.format(SEED_URN.rpartition(":")[2]))
    expect(options).to_have_count(1)
    options.click()
    expect(page.get_by_role("heading", name=f"Sounds like {SEED}")).to_be_visible()


def test_a_link_that_the_catalogue_does_not_have_can_be_requested(page: Page) -> None:
    page.route(
        "**/tracks/**", lambda route: answer(route, {"urn": "spotify:track:0000000000000000000000", "state": "pending"})
    )
    page.goto("")
    search_box(page).fill("https://open.spotify.com/track/0000000000000000000000")
    page.get_by_role("button", name="Request it").click()
    expect(page.get_by_text("The track is requested.")).to_be_visible()


def test_an_audio_file_is_the_query_and_nothing_of_it_is_kept(page: Page, demo: DemoPlatform, recording: Path) -> None:
    page.goto("")
    before = catalogue(page)
    page.locator("input[type=file]").set_input_files(recording)
    expect(page.get_by_role("heading", name="Sounds like recording.mp3")).to_be_visible()
    expect(cards(page).first).to_be_visible()
    expect(page.get_by_text("Nothing of it is kept.")).to_be_visible()
    assert set(titles(page)[:3]) <= {*AMBIENT, "Harbour at Four"}
    assert catalogue(page) == before


def test_a_file_can_be_dropped_anywhere(page: Page, recording: Path) -> None:
    page.goto("")
    transfer = page.evaluate_handle(
        """async ([bytes, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "audio/mpeg" }));
          return transfer;
        }""",
        [list(recording.read_bytes()), recording.name],
    )
    footer = page.get_by_role("contentinfo")
    footer.dispatch_event("dragenter", {"dataTransfer": transfer})
    expect(page.get_by_text("Let go to find music that sounds like this file")).to_be_visible()
    footer.dispatch_event("drop", {"dataTransfer": transfer})
    expect(page.get_by_text("Let go to find music")).to_be_hidden()
    expect(cards(page).first).to_be_visible()


def test_a_file_that_is_no_audio_is_refused(page: Page, tmp_path: Path) -> None:
    page.goto("")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear …")
    page.locator("input[type=file]").set_input_files(letter)
    expect(page.get_by_role("alert").filter(has_text="“letter.txt” is no audio file.")).to_be_visible()


def test_a_surprise_is_any_track(page: Page) -> None:
    page.goto("")
    page.get_by_role("button", name="Surprise me").click()
    heading = page.get_by_role("heading", name="Sounds like")
    expect(heading).to_be_visible()
    expect(cards(page)).not_to_have_count(0)
    known = {piece.title for piece in pieces()} | {own.title for own in OWN_FILES}
    assert heading.inner_text().removeprefix("Sounds like ") in known


def test_tracks_to_start_from_are_shown(page: Page) -> None:
    page.goto("")
    tiles = page.get_by_role("region", name="Or start from one of these").get_by_role("listitem")
    expect(tiles).to_have_count(6)
    title = tiles.first.locator(".tile-title").inner_text()
    tiles.first.get_by_role("button", name=title).last.click()
    expect(page.get_by_role("heading", name=f"Sounds like {title}")).to_be_visible()


def test_an_empty_catalogue_says_how_to_fill_it(page: Page) -> None:
    page.route(re.compile(r"/(random|tracks)\?"), lambda route: answer(route, {"tracks": [], "next": None}))
    page.goto("")
    expect(page.get_by_role("heading", name="The catalogue is empty")).to_be_visible()
    expect(page.get_by_text("make crawl FOLDER=~/Music")).to_be_visible()
    page.get_by_role("link", name="Or start a crawl on the status page").click()
    expect(page).to_have_url(re.compile(r"\?view=status$"))


def answer(route: Route, content: object) -> None:
    route.fulfill(status=200, content_type="application/json", body=json.dumps(content))


def catalogue(page: Page) -> set[str]:
    """Return the URNs of all tracks but those that a test of crawls may add meanwhile."""
    tracks = page.evaluate("fetch('tracks?n=100').then((response) => response.json())")["tracks"]
    return {track["urn"] for track in tracks if track["artists"] != [CRAWLED_ARTIST]}
