"""The page as a whole: what it is made of, what it weighs, where it may go, and who can use it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page, Response

PAGE = Path(__file__).resolve().parents[2] / "services/api/src/soundalike/api/page"
LONGEST_MODULE_LINES = 300
LARGEST_FIRST_LOAD = 150_000
"""Bytes as they are transferred, headers included."""

VIEWS = ("", "?view=status")


def own_files(*suffixes: str) -> list[Path]:
    return [file for file in sorted(PAGE.rglob("*")) if file.suffix in suffixes and "vendor" not in file.parts]


# A language is one file, which a translator gets.
@pytest.mark.parametrize(
    "file",
    [file for file in own_files(".js") if file.parent.name != "strings"],
    ids=lambda file: str(file.relative_to(PAGE)),
)
def test_a_module_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE_LINES


@pytest.mark.parametrize("file", own_files(".js"), ids=lambda file: str(file.relative_to(PAGE)))
def test_a_module_neither_evaluates_texts_nor_writes_them_as_html(file: Path) -> None:
    html = r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|unsafeHTML"
    forbidden = rf"\beval\(|new Function\(|{html}|(?<!\.)style=[\"'$]"
    assert re.findall(forbidden, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", own_files(".js", ".css", ".html"), ids=lambda file: str(file.relative_to(PAGE)))
def test_a_file_loads_nothing_of_others(file: Path) -> None:
    content = file.read_text(encoding="utf-8")
    loads = re.findall(r"(?:import|from)\s+[\"'](?!\.)([^\"']+)[\"']|url\(\s*[\"']?(?:https?:)?//", content)
    loads += re.findall(r"<(?:script|link|img)\b[^>]*(?:src|href)=[\"'](?:https?:)?//[^>]*", content)
    assert loads == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_opens(page: Page, view: str) -> None:
    page.goto(view)
    expect(page).to_have_title(re.compile("Soundalike"))
    expect(page.get_by_role("navigation").first).to_be_visible()
    expect(page.locator("main")).to_be_visible()


def test_the_first_load_is_small(page: Page) -> None:
    sizes: dict[str, int] = {}

    def count(response: Response) -> None:
        measures = response.request.sizes()
        sizes[response.url] = measures["responseBodySize"] + measures["responseHeadersSize"]

    page.on("requestfinished", lambda request: count(request.response()))
    page.goto("", wait_until="networkidle")
    assert len(sizes) > 5
    assert sum(sizes.values()) <= LARGEST_FIRST_LOAD, sizes


def test_without_javascript_the_page_says_so(new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto("")
    notice = page.locator("main.notice")
    expect(notice).to_be_visible()
    assert "This page needs JavaScript" in notice.inner_text()
    expect(notice.get_by_role("link", name="API")).to_be_visible()


def test_the_page_speaks_the_language_of_the_browser(new_context: Callable[..., BrowserContext]) -> None:
    page = new_context(locale="de-AT").new_page()
    page.goto("")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("link", name="Musik finden")).to_be_visible()
