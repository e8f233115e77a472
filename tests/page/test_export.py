"""Taking an answer away: playlists with real paths, tables, text."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .actions import SEED, SEED_URN, cards, titles

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

    from .demo_program import DemoPlatform


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """The page with what sounds like `SEED`, in a browser that lets it write to the clipboard."""
    page = new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(f"?track={SEED_URN}&max_per_artist=100&max_per_album=100")
    expect(cards(page)).to_have_count(10)
    return page


def download(page: Page, name: str) -> tuple[str, str]:
    """Press a button, and return the name and the content of the file that comes."""
    with page.expect_download() as event:
        page.get_by_role("button", name=name, exact=True).click()
    return event.value.suggested_filename, Path(event.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("height", [768, 900, 1400])
def test_the_buttons_come_into_sight_by_scrolling_the_page(page: Page, height: int) -> None:
    page.set_viewport_size({"width": 1366, "height": height})
    expect(page.get_by_role("heading", name="Tune")).to_be_in_viewport()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.get_by_role("button", name="M3U", exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Copy the link")).to_be_in_viewport(ratio=1)


def test_m3u_has_real_paths_of_own_files(page: Page, demo: DemoPlatform) -> None:
    name, content = download(page, "M3U")
    assert name == f"Sounds like {SEED}.m3u8"
    lines = content.splitlines()
    assert lines[0] == "#EXTM3U"
    (path,) = [line for line in lines if line.endswith("kiln.flac")]
    assert Path(path).is_file()
    assert len([line for line in lines if not line.startswith("#")]) == 10


def test_jspf(page: Page) -> None:
    name, content = download(page, "JSPF")
    assert name.endswith(".jspf")
    assert [track["title"] for track in json.loads(content)["playlist"]["track"]] == titles(page)


def test_csv(page: Page) -> None:
    name, content = download(page, "CSV")
    assert name.endswith(".csv")
    assert [row["title"] for row in csv.DictReader(content.splitlines())] == titles(page)


def test_the_answer_is_copied_as_text(page: Page) -> None:
    page.get_by_role("button", name="Copy as text").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert [re.split(" . ", line, maxsplit=1)[1] for line in lines] == titles(page)


def test_the_link_is_copied(page: Page) -> None:
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
