"""The guard of these tests sees what it has to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .guard import Guard


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("window.open('http://example.com/x')", "request to another machine: http://example.com/x"),
        ("console.error('broken')", "console error: broken"),
        ("setTimeout(() => { throw new Error('thrown'); })", "error of a script: thrown"),
        ("void Promise.reject(new Error('rejected'))", "error of a script: rejected"),
        ("document.body.append(Object.assign(document.createElement('img'), {src: 'http://example.com/'}))", "img-src"),
        ("fetch('no-such-thing')", "404"),
    ],
)
def test_what_goes_wrong_in_the_browser_is_seen(page: Page, guard: Guard, script: str, problem: str) -> None:
    page.goto("")
    page.evaluate(script)
    page.wait_for_timeout(200)
    problems = guard.problems()
    assert any(problem in each for each in problems), problems
