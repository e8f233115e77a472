"""A real browser for the page, and the demo platform that it shows.

The browser is the system's Chromium: nothing is downloaded. Where there is none, the tests are skipped.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from soundalike.local.ports import free_port
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.composer import compose, encode_mp3
from soundalike.testing.wait import eventually_sync, scale

from .browsers import find_browser
from .demo_program import START_LIMIT_S, DemoPlatform
from .guard import Guard
from .processes import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

_LIMIT_S = 15.0

_ARGUMENTS = (
    # Requests to elsewhere fail even where the guard would not see them.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The file of the system's browser."""
    path = find_browser()
    if path is None:
        pytest.skip("no browser is installed for the tests of the page (Debian: apt install chromium)")
    return path


@pytest.fixture(scope="session")
def demo(
    browser_path: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoPlatform]:
    """A demo platform with a few files of its own.

    Workers share one, which the process above them has started; `--base-url` names one that is running anyway.
    """
    if base_url := request.config.getoption("--base-url"):
        yield DemoPlatform("", urlsplit(base_url).port or 80, "")
        return
    worker = getattr(request.config, "workerinput", None)
    if worker:
        platform = DemoPlatform(**worker["demo"])
    else:
        platform = DemoPlatform(
            str(tmp_path_factory.mktemp("demo")), free_port(), str(request.config.cache.mkdir("soundalike"))
        )
    with nullcontext() if worker else running(platform.program()):
        eventually_sync(platform.is_ready, "the demo platform", limit_s=START_LIMIT_S, interval_s=0.1)
        yield platform


# Not for the whole session, as in the plugin: the thread counts as one with a running event loop while Playwright is
# started, and other tests of the same worker run loops of their own.
@pytest.fixture(scope="package")
def playwright(demo: DemoPlatform) -> Iterator[Playwright]:
    with sync_playwright() as started:
        expect.set_options(timeout=scale(_LIMIT_S) * 1000)
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright, browser_path: str) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=browser_path, args=_ARGUMENTS)
    yield started
    started.close()


@pytest.fixture(scope="package")
def browser_context_args(demo: DemoPlatform) -> dict[str, Any]:
    return {"base_url": demo.url}


@pytest.fixture
def guard() -> Guard:
    """What went wrong in the browser; the test fails where something did, see `pytest_runtest_call`."""
    return Guard()


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext], guard: Guard) -> Callable[..., BrowserContext]:
    """Open a context of its own, with options of Playwright's `Browser.new_context`."""

    def open_context(**options: Any) -> BrowserContext:
        context = new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(scale(_LIMIT_S) * 1000)
        guard.watch(context)
        return context

    return open_context


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that the catalogue does not have, in the style of its ambient pieces."""
    path = tmp_path_factory.mktemp("recordings") / "recording.mp3"
    piece = next(piece for piece in pieces() if piece.style == "ambient")
    path.write_bytes(encode_mp3(compose(replace(piece, index=40))))
    return path


@pytest.fixture
def assert_accessible() -> Callable[[Page], None]:
    """Assert that axe has nothing to say about what a page shows."""
    axe = Axe()

    def check(page: Page) -> None:
        results = axe.run(page)
        assert results.violations_count == 0, results.generate_report()

    return check


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The first of them waits for the platform.
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(scale(2 * START_LIMIT_S)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    yield
    guard = item.funcargs.get("guard")
    if guard is not None and (problems := guard.problems()):
        pytest.fail("In the browser:\n" + "\n".join(problems), pytrace=False)
