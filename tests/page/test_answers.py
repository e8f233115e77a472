"""Answers: what a card says, what can be done with it, and several seeds at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from .actions import SEED, SEED_URN, TECHNO, TWINS, card, cards, search_box, start_from, suggestions, titles

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from .guard import Guard

UNLIMITED = "max_per_artist=100&max_per_album=100"


@pytest.fixture
def answers(page: Page) -> Page:
    """The page with what sounds like `SEED`."""
    page.goto(f"?track={SEED_URN}&{UNLIMITED}")
    expect(cards(page)).to_have_count(10)
    return page


def parameters(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_nearest_come_first(answers: Page) -> None:
    assert sorted(titles(answers)[: len(TWINS)]) == TWINS


def test_a_card_says_what_how_similar_and_why(answers: Page) -> None:
    first = cards(answers).first
    title = titles(answers)[0]
    if title in TECHNO:
        expect(first).to_contain_text(TECHNO[title].artist)
        expect(first).to_contain_text(TECHNO[title].album)
    expect(first).to_contain_text(re.compile(r"Very similar\s*\d\d\s?%"))
    expect(first.get_by_role("meter", name="Similarity")).to_be_visible()
    expect(first).to_contain_text(re.compile(r"Very similar, above all in \w+ and \w+"))
    expect(first.get_by_role("list", name="Tags of both").get_by_role("listitem").first).to_be_visible()


def test_layer_bars_say_where_two_tracks_are_alike(answers: Page) -> None:
    first = cards(answers).first
    first.get_by_text("Where they are alike").click()
    for layer in ("Texture", "Attack", "Rhythm", "Phrasing", "Character"):
        expect(first).to_contain_text(re.compile(rf"{layer}.*?\d+\s?%", re.DOTALL))


def test_a_track_can_be_opened_at_its_source(answers: Page) -> None:
    title = "Shift Register"
    link = card(answers, title).get_by_role("link", name=f"Open {title} at Spotify")
    expect(link).to_have_attribute("href", re.compile(TECHNO[title].spotify_id))
    expect(link).to_have_attribute("rel", re.compile("noopener"))
    expect(card(answers, "Kiln").get_by_role("link")).to_have_count(0)


def test_more_like_this_adds_a_seed(answers: Page) -> None:
    card(answers, "Kiln").get_by_role("button", name="More like Kiln").click()
    expect(answers.get_by_role("heading", name="Sounds like these 2 tracks")).to_be_visible()
    assert len(parameters(answers)["track"]) == 2
    expect(card(answers, "Kiln")).to_have_count(0)
    answers.get_by_role("button", name="Remove Kiln").click()
    expect(answers.get_by_role("heading", name=f"Sounds like {SEED}")).to_be_visible()


def test_not_this_moves_away_from_a_track(answers: Page) -> None:
    before = titles(answers)
    answers.get_by_role("button", name="Not Kiln, nor what sounds like it").click()
    expect(card(answers, "Kiln")).to_have_count(0)
    assert len(parameters(answers)["not_like"]) == 1
    assert titles(answers) != [title for title in before if title != "Kiln"]
    expect(answers.get_by_role("button", name="Remove Kiln")).to_be_visible()
    answers.go_back()
    expect(card(answers, "Kiln")).to_be_visible()


def test_less_of_an_artist(answers: Page) -> None:
    kiln = card(answers, "Kiln")
    kiln.get_by_label("More to do with Kiln").click()
    kiln.get_by_role("button", name="Leave out Mirela Okafor").click()
    expect(kiln).to_have_count(0)
    assert parameters(answers)["exclude_artist"] == ["Mirela Okafor"]


def test_a_seed_is_turned_round(answers: Page) -> None:
    card(answers, "Kiln").get_by_role("button", name="More like Kiln").click()
    answers.get_by_role("button", name="Look for music that does not sound like Kiln").click()
    expect(answers.get_by_role("heading", name=f"Sounds like {SEED}")).to_be_visible()
    assert (len(parameters(answers)["track"]), len(parameters(answers)["not_like"])) == (1, 1)


def test_a_track_is_added_to_the_query_from_the_search(answers: Page) -> None:
    answers.get_by_role("radio", name="Add to the query").check()
    search_box(answers).fill("rent is due")
    answers.get_by_role("option", name="Rent Is Due Again").click()
    expect(answers.get_by_role("heading", name="Sounds like these 2 tracks")).to_be_visible()


def test_back_leads_to_the_query_before(page: Page) -> None:
    page.goto("")
    start_from(page, SEED)
    start_from(page, "Rent Is Due Again")
    page.go_back()
    expect(page.get_by_role("heading", name=f"Sounds like {SEED}")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Find music that sounds alike")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name=f"Sounds like {SEED}")).to_be_visible()


def test_fewer_results_than_asked_for_are_explained(page: Page) -> None:
    page.goto(f"?track={SEED_URN}&n=50&min_score=0.95&{UNLIMITED}")
    expect(page.get_by_role("note")).to_contain_text(
        re.compile(r"Only \d+ tracks pass: \d+ were left out by min_score")
    )
    page.get_by_role("note").get_by_role("button", name="Reset").click()
    expect(cards(page)).to_have_count(10)


def test_a_track_that_nobody_knows_is_told_in_plain_words(page: Page, guard: Guard) -> None:
    guard.allow_status(404)
    page.goto("?track=spotify:track:0000000000000000000000")
    expect(page.get_by_role("alert")).to_contain_text("The catalogue does not know this track.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_failure_of_the_platform_is_told_and_tried_again(page: Page, guard: Guard) -> None:
    guard.allow_status(503)
    page.route("**/recommend?*", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}"))
    page.goto(f"?track={SEED_URN}")
    expect(page.get_by_text("This page tries again by itself.")).to_be_visible()
    page.unroute("**/recommend?*")
    expect(cards(page).first).to_be_visible()


def test_a_late_answer_never_replaces_a_newer_one(page: Page) -> None:
    late: list[Route] = []
    page.route(
        re.compile(f"/recommend\\?.*{SEED_URN.replace(':', '%3A')}"),
        lambda route: late.append(route),  # noqa: PLW0108 - Playwright writes to the function
    )
    page.goto("")
    suggestions(page, SEED).first.click()
    start_from(page, "Rent Is Due Again")
    assert late
    for route in late:
        route.abort()
    expect(page.get_by_role("heading", name="Sounds like Rent Is Due Again")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
