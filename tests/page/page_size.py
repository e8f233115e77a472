"""`python page_size.py`: what the page consists of, and what a first visit transfers and waits for.

Without `--url`, the address of a running platform, the files are listed only.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path
from statistics import median

from playwright.sync_api import expect, sync_playwright

# Run as a file, it is no part of a package.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from browsers import find_browser

from soundalike.terminal import echo

PAGE = Path(__file__).resolve().parents[2] / "services/api/src/soundalike/api/page"
SUFFIXES = (".html", ".js", ".css", ".svg")
VISITS = 5


def print_files() -> None:
    """Print lines, bytes and compressed bytes of the files by folder."""
    files = [file for file in PAGE.rglob("*") if file.suffix in SUFFIXES]
    echo(f"{'folder':<12} {'files':>5} {'longest':>8} {'bytes':>8} {'gzip':>8}")
    totals = [0, 0, 0]
    for folder in sorted({file.relative_to(PAGE).parts[0] if file.parent != PAGE else "." for file in files}):
        own = [file for file in files if (file.relative_to(PAGE).parts[0] if file.parent != PAGE else ".") == folder]
        contents = [file.read_bytes() for file in own]
        longest = max(content.count(b"\n") for content in contents)
        row = [len(own), sum(map(len, contents)), sum(len(gzip.compress(content)) for content in contents)]
        totals = [total + value for total, value in zip(totals, row, strict=True)]
        echo(f"{folder:<12} {row[0]:>5} {longest:>8} {row[1]:>8,} {row[2]:>8,}")
    echo(f"{'all':<12} {totals[0]:>5} {'':>8} {totals[1]:>8,} {totals[2]:>8,}")


def print_visits(url: str, browser_path: str) -> None:
    """Print what first visits transfer, and after how many milliseconds the search box can be used."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path)
        sizes, times = [], []
        for _ in range(VISITS):
            page = browser.new_context().new_page()
            requests: list[int] = []
            page.on("requestfinished", lambda request, requests=requests: requests.append(_transferred(request)))
            page.goto(url)
            search = page.locator("#search")
            expect(search).to_be_enabled()
            times.append(page.evaluate("performance.now()"))
            page.wait_for_load_state("networkidle")
            sizes.append((len(requests), sum(requests)))
            page.context.close()
        browser.close()
    count, size = sizes[-1]
    echo(f"first load: {count} requests, {size / 1000:.1f} kB transferred, headers included")
    echo(f"usable after {median(times):.0f} ms (median of {VISITS} first visits; {min(times):.0f} to {max(times):.0f})")


def _transferred(request: object) -> int:
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description="Measure the page.")
    parser.add_argument("--url", help="a running platform, such as http://127.0.0.1:8000/")
    arguments = parser.parse_args()
    print_files()
    if arguments.url:
        path = find_browser()
        if path is None:
            raise SystemExit("No browser is installed (Debian: apt install chromium).")
        print_visits(arguments.url, path)


if __name__ == "__main__":
    main()
