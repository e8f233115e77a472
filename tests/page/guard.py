"""What no test of the page lets pass: requests to other machines, errors on the console, of scripts, of the CSP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import Error

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

_OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_OWN_SCHEMES = frozenset({"about", "blob", "data"})


class Guard:
    """Collects what went wrong in the browser contexts of a test."""

    def __init__(self) -> None:
        self._contexts: list[BrowserContext] = []
        self._problems: list[str] = []
        self._statuses: set[int] = set()
        self._hosts: set[str] = set()

    def watch(self, context: BrowserContext) -> None:
        """Watch everything that happens in a context."""
        self._contexts.append(context)
        context.on("request", self._check_request)
        context.on("console", self._check_console)
        context.on("weberror", self._check_error)
        context.on("page", lambda page: page.on("websocket", lambda socket: self._check_address(socket.url)))

    def allow_status(self, *statuses: int) -> None:
        """Let replies with these HTTP statuses pass, which the browser reports on its console."""
        self._statuses.update(statuses)

    def allow_host(self, host: str) -> None:
        """Let requests to a host pass that the test answers itself."""
        self._hosts.add(host)

    def problems(self) -> list[str]:
        """Return what went wrong so far, and forget it."""
        for context in self._contexts:
            for page in context.pages:
                _wait_for_events(page)
        problems, self._problems = self._problems, []
        return problems

    def _check_request(self, request: Request) -> None:
        self._check_address(request.url)

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _OWN_SCHEMES and parts.hostname not in _OWN_HOSTS | self._hosts:
            self._problems.append(f"request to another machine: {url}")

    def _check_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        is_reply = message.text.startswith("Failed to load resource")
        if is_reply and any(f"status of {status}" in message.text for status in self._statuses):
            return
        location = message.location
        self._problems.append(f"console {message.type}: {message.text} ({location.get('url', '')})")

    def _check_error(self, error: WebError) -> None:
        self._problems.append(f"error of a script: {error.error}")


def _wait_for_events(page: Page) -> None:
    """Events come in order: those of before have come with the answer."""
    try:
        page.evaluate("1")
    except Error:
        # A page that is closed, or without JavaScript.
        return
