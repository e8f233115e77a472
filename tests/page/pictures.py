"""`python pictures.py FOLDER`: pictures of the page for the documents, from a demo platform that it starts and stops.

With `--url` they are of a platform that is running. Every picture is a WebP of less than 150 kB.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

# Run as a file, it is no part of a package.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from browsers import find_browser
from demo_program import START_LIMIT_S, DemoPlatform
from processes import running

from soundalike.local.data_directory import cache_directory
from soundalike.local.ports import free_port
from soundalike.sandbox.catalogue import pieces
from soundalike.terminal import echo
from soundalike.testing.wait import eventually_sync

LARGEST_BYTES = 150_000
QUALITY = 82


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: a view of the page in a window of a size, in device pixels twice as large where it is narrow."""

    name: str
    address: str
    width: int
    height: int
    scheme: str = "light"


def _answers() -> str:
    seed = next(piece for piece in pieces() if piece.style == "waltz")
    return f"?track=spotify:track:{seed.spotify_id}&max_per_artist=2&max_per_album=2"


PICTURES = (
    Picture("page-light", _answers(), 1280, 900),
    Picture("page-dark", _answers(), 1280, 900, "dark"),
    Picture("page-narrow", _answers(), 390, 900),
    Picture("status-light", "?view=status", 1280, 900),
)


def _take(browser: Browser, url: str, picture: Picture) -> bytes:
    context = browser.new_context(
        base_url=url,
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=2 if picture.width < 600 else 1,
        reduced_motion="reduce",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(picture.address)
    _wait(page, picture)
    # Playwright itself writes no WebP.
    reply = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    context.close()
    return base64.b64decode(reply["data"])


def _wait(page: Page, picture: Picture) -> None:
    if "track=" in picture.address:
        expect(page.get_by_role("article").first).to_be_visible()
        page.get_by_text("Where they are alike").first.click()
    elif "status" in picture.address:
        expect(page.get_by_role("heading", level=2).first).to_be_visible()
    else:
        expect(page.get_by_role("listitem").first).to_be_visible()
    # Pictures say nothing of the focus.
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    page.wait_for_function("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")


def main() -> None:
    """Make all pictures; ends with a message where there is no browser, or one is too large."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documents.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", help="the platform whose page is shown; without it a demo is started")
    arguments = parser.parse_args()
    path = find_browser()
    if path is None:
        raise SystemExit("No browser is installed (Debian: apt install chromium).")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = arguments.url or _start_demo(stack)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path)
        stack.callback(browser.close)
        for picture in PICTURES:
            content = _take(browser, url, picture)
            if len(content) > LARGEST_BYTES:
                raise SystemExit(f"{picture.name} has {len(content)} bytes, more than {LARGEST_BYTES}.")
            file = arguments.folder / f"{picture.name}.webp"
            file.write_bytes(content)
            echo(f"{file}  {len(content) / 1000:.0f} kB")


def _start_demo(stack: ExitStack) -> str:
    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="soundalike-pictures-", ignore_cleanup_errors=True))
    demo = DemoPlatform(home, free_port(), str(cache_directory()))
    echo("Starting a demo platform …")
    stack.enter_context(running(demo.program()))
    eventually_sync(demo.is_ready, "the demo platform", limit_s=START_LIMIT_S, interval_s=0.2)
    return demo.url


if __name__ == "__main__":
    main()
