"""The status page: counts that add up, what happens right now, dead letters, the index, crawls that it starts."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import mutagen.flac
import pytest
import soundfile
from playwright.sync_api import expect

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.composer import compose
from soundalike.sandbox.synthesis import SAMPLE_RATE

from .actions import CRAWLED_ARTIST, search_box, start_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Locator, Page


@pytest.fixture
def status(page: Page) -> Page:
    page.goto("?view=status")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def counts(page: Page) -> dict[str, int]:
    """Return the number of tracks by the name of their state, and of all."""
    rows = panel(page, "Tracks").get_by_role("row").all()[1:]
    return {
        row.get_by_role("rowheader").inner_text().split("\n")[0].strip(): int(row.get_by_role("cell").inner_text())
        for row in rows
    }


def test_the_counts_by_state_add_up(status: Page) -> None:
    numbers = counts(status)
    total = numbers.pop("All tracks")
    assert total >= len(pieces())
    assert sum(numbers.values()) == total


def test_what_was_analysed_last_and_the_queue_are_shown(status: Page) -> None:
    analysis = panel(status, "Analysis")
    expect(analysis.get_by_role("listitem").first).to_contain_text(re.compile("ago"))
    expect(analysis).to_contain_text(re.compile(r"Queue\s*\d+ waiting, \d+ in progress"))


def test_the_index_has_a_version_a_recall_and_an_age(status: Page) -> None:
    index = panel(status, "Index")
    expect(index).to_contain_text(re.compile(r"\d{8}T\d{6}"))
    expect(index).to_contain_text(re.compile(r"Recall", re.IGNORECASE))
    expect(index).to_contain_text(re.compile(r"ago"))
    expect(status.get_by_role("main")).to_contain_text("soundalike-1")


def test_a_crawl_of_a_folder_is_started_and_seen_live(status: Page, tmp_path: Path) -> None:
    before = counts(status)["All tracks"]
    title = f"Bronze Rain {secrets.token_hex(3)}"
    write_flac(tmp_path / "rain.flac", title)
    status.get_by_label("Folder, or address of a playlist").fill(str(tmp_path))
    status.get_by_role("button", name="Start a crawl").click()
    crawl = panel(status, "Crawls").get_by_role("listitem").first
    expect(crawl).to_contain_text("done")
    expect(panel(status, "Analysis").get_by_role("listitem").filter(has_text=title)).to_have_count(1)
    assert counts(status)["All tracks"] > before
    status.get_by_role("link", name="Find music").click()
    start_from(status, title)


def test_what_cannot_be_crawled_is_said(status: Page) -> None:
    status.get_by_label("Folder, or address of a playlist").fill("/no/such/folder")
    status.get_by_role("button", name="Start a crawl").click()
    crawl = panel(status, "Crawls").get_by_role("listitem").filter(has_text="/no/such/folder").first
    expect(crawl).to_contain_text("failed")
    expect(crawl).to_contain_text("there is no file or folder")


def test_dead_letters_have_reasons_and_are_tried_again(page: Page) -> None:
    letters = [
        {
            "id": f"letter-{number}",
            "urn": f"deezer:track:{number}",
            "title": f"Lost {number}",
            "reason": "The extractor ran out of memory.",
            "received_at": "2026-11-28T10:00:00Z",
            "attempts": 5,
        }
        for number in (1, 2)
    ]
    orders: list[object] = []
    page.goto("")
    present = page.evaluate("fetch('status').then((response) => response.json())")

    def events() -> str:
        return f"event: status\ndata: {json.dumps({**present, 'dead_letters': len(letters)})}\n\n"

    def retry(request: object) -> str:
        orders.append(request)
        retried, letters[:] = len(letters), []
        return json.dumps({"retried": retried})

    page.route("**/status/events*", lambda route: route.fulfill(content_type="text/event-stream", body=events()))
    page.route(
        "**/dead-letters?*",
        lambda route: route.fulfill(json={"total": len(letters), "letters": letters}),
    )
    page.route(
        "**/dead-letters/retry",
        lambda route: route.fulfill(content_type="application/json", body=retry(route.request.post_data_json)),
    )
    page.get_by_role("link", name="Status").click()
    dead = panel(page, "Dead letters")
    expect(dead.get_by_role("listitem")).to_have_count(2)
    expect(dead.get_by_role("listitem").first).to_contain_text("The extractor ran out of memory.")
    dead.get_by_role("button", name="Try all 2 again").click()
    expect(dead.get_by_role("listitem")).to_have_count(0)
    assert orders == [{"all": True}]


def test_what_is_about_to_begin_and_what_has_ended_are_called_so(page: Page) -> None:
    page.goto("")
    present = page.evaluate("fetch('status').then((response) => response.json())")
    analysis = {"active": [], "recent": [], "waiting": 3, "per_minute": None, "remaining_s": None}
    moment = "2026-11-28T10:00:00Z"
    crawl = {
        "id": 7,
        "source": {"kind": "folder", "name": "/srv/music"},
        "state": "done",
        "summary": None,
        "error": None,
        "requested_at": moment,
        "started_at": moment,
        "ended_at": moment,
        "progress": {"seen": 44, "total": 48},
    }
    changed = {
        "analysis": analysis,
        "queue": {"visible": 2, "in_flight": 1, "delayed": 0},
        "crawls": [crawl],
    }
    body = f"event: status\ndata: {json.dumps({**present, **changed})}\n\n"
    page.route("**/status/events*", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    page.get_by_role("link", name="Status").click()
    expect(panel(page, "Analysis")).to_contain_text("3 tracks waiting")
    expect(panel(page, "Analysis")).not_to_contain_text("is an extractor running")
    expect(panel(page, "Crawls")).to_contain_text("44 seen")
    expect(panel(page, "Crawls")).not_to_contain_text("48")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(
    new_context: Callable[..., BrowserContext], assert_accessible: Callable[[Page], None], scheme: str
) -> None:
    page = new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    page.goto("?view=status")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("width", [360, 2560])
def test_nothing_is_wider_than_the_window(status: Page, width: int) -> None:
    status.set_viewport_size({"width": width, "height": 800})
    assert status.evaluate("document.documentElement.scrollWidth") <= width


def test_the_status_is_a_link_and_back_leads_back(page: Page) -> None:
    page.goto("")
    page.get_by_role("link", name="Status").click()
    expect(page).to_have_title(re.compile("^Status"))
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.go_back()
    expect(search_box(page)).to_be_visible()


def write_flac(path: Path, title: str) -> None:
    """Write music that no catalogue has, and no test looks for the style of."""
    piece = next(piece for piece in pieces() if piece.style == "gamelan")
    samples = compose(replace(piece, index=1000 + secrets.randbelow(1_000_000)))
    soundfile.write(path, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    file = mutagen.flac.FLAC(path)
    file.update({"title": title, "artist": CRAWLED_ARTIST})
    file.save()
