"""Settings of a query: each changes the answer, and all of them are in the address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from .actions import SEED_URN, cards, titles

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def answers(page: Page) -> Page:
    page.goto(f"?track={SEED_URN}")
    expect(cards(page)).to_have_count(10)
    return page


def parameters(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_strictness_has_words_and_removes_weak_results(answers: Page) -> None:
    strictness = answers.get_by_role("slider", name="Strictness")
    strictness.fill("0.9")
    expect(answers.get_by_text("Focused (from 90%)")).to_be_visible()
    expect(cards(answers).filter(has_text="Somewhat similar")).to_have_count(0)
    scores = [
        int(text)
        for text in re.findall(r"(\d+)\s?%", " ".join(cards(answers).locator(".score-number").all_inner_texts()))
    ]
    assert min(scores) >= 90
    assert parameters(answers)["min_score"] == ["0.9"]


def test_variety_changes_the_order(answers: Page) -> None:
    before = titles(answers)
    answers.get_by_role("slider", name="Variety").fill("1")
    expect(answers.get_by_text("Most varied").first).to_be_visible()
    expect(cards(answers).nth(1).get_by_role("heading")).not_to_have_text(before[1])
    assert parameters(answers)["diversity"] == ["1"]


def test_the_number_of_results(answers: Page) -> None:
    answers.get_by_role("slider", name="Results").fill("3")
    expect(cards(answers)).to_have_count(3)


@pytest.mark.parametrize(("label", "name"), [("Per artist", "max_per_artist"), ("Per album", "max_per_album")])
def test_limits_per_artist_and_album(answers: Page, label: str, name: str) -> None:
    answers.get_by_label(label).select_option("10")
    expect(cards(answers)).to_have_count(10)
    assert parameters(answers)[name] == ["10"]


def test_a_tag_is_required_then_excluded_then_free(answers: Page) -> None:
    tag = cards(answers).first.get_by_role("list", name="Tags of both").get_by_role("button").first
    slug = tag.inner_text().strip()
    tag.click()
    expect(answers.get_by_role("button", name=f"{slug}: required").first).to_be_visible()
    assert "tag" in parameters(answers)
    answers.get_by_role("group", name="Tags").get_by_role("button", name=f"{slug}: required").first.click()
    excluded = answers.get_by_role("group", name="Tags").get_by_role("button", name=f"{slug}: excluded").first
    expect(excluded).to_be_visible()
    assert "not_tag" in parameters(answers)
    excluded.click()
    expect(excluded).to_be_hidden()
    assert {"tag", "not_tag"} & parameters(answers).keys() == set()


def test_length_in_minutes(answers: Page) -> None:
    answers.get_by_label("At least").fill("4")
    answers.get_by_label("At least").press("Enter")
    expect(answers).to_have_url(re.compile("min_duration=240"))
    expect(cards(answers).filter(has_text=re.compile(r"\b[0-3]:\d\d"))).to_have_count(0)
    lengths = re.findall(r"(\d+):\d\d", " ".join(cards(answers).locator(".card-facts").all_inner_texts()))
    assert lengths
    assert min(map(int, lengths)) >= 4


def test_sources(answers: Page) -> None:
    answers.get_by_role("checkbox", name="Spotify").uncheck()
    expect(cards(answers).filter(has_text="Spotify")).to_have_count(0)
    expect(cards(answers).filter(has_text="Own file").nth(1)).to_be_visible()


def test_the_address_is_the_state(answers: Page, page: Page) -> None:
    answers.get_by_role("slider", name="Results").fill("4")
    answers.get_by_role("slider", name="Strictness").fill("0.5")
    expect(cards(answers)).to_have_count(4)
    shared, results = page.url, titles(page)
    other = page.context.new_page()
    other.goto(shared)
    expect(cards(other)).to_have_count(4)
    assert titles(other) == results
    expect(other.get_by_role("slider", name="Strictness")).to_have_value("0.5")


def test_back_takes_a_setting_back(answers: Page) -> None:
    answers.get_by_label("Per artist").select_option("1")
    expect(answers).to_have_url(re.compile("max_per_artist=1"))
    answers.go_back()
    expect(answers).not_to_have_url(re.compile("max_per_artist"))
    expect(answers.get_by_label("Per artist")).to_have_value("2")


def test_reset_takes_all_settings_back(page: Page) -> None:
    page.goto(f"?track={SEED_URN}&min_score=0.9&n=3&tag=electronic")
    expect(cards(page)).to_have_count(3)
    page.get_by_role("button", name="Reset").first.click()
    expect(cards(page)).to_have_count(10)
    assert parameters(page).keys() == {"track"}
