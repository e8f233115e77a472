"""Long responses in pages, and the cursor of the next page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic
from urllib.parse import parse_qsl, urlencode, urlsplit

from soundalike.soundcloud.errors import UnreadableReply
from soundalike.soundcloud.replies import Model, read

if TYPE_CHECKING:
    from collections.abc import Mapping

_CURSOR_PARAMETERS: Final = frozenset({"cursor", "offset"})


@dataclass(frozen=True, slots=True)
class Page(Generic[Model]):
    """A page of rows, each of them once; `unreadable` counts those that are no users or tracks, such as deleted ones.

    `cursor` leads to the next page, None on the last one. A page may be short or empty and still have a next one.
    """

    rows: tuple[Model, ...]
    cursor: str | None
    unreadable: int = 0


def page_of(model: type[Model], reply: Any) -> Page[Model]:
    """Read a page; a bare list, as SoundCloud sent before 2021, is a single page. Raises `UnreadableReply`."""
    if isinstance(reply, list):
        reply = {"collection": reply}
    collection = reply.get("collection") if isinstance(reply, dict) else None
    if not isinstance(collection, list):
        raise UnreadableReply("SoundCloud's page has no collection")
    rows: dict[str, Model] = {}
    unreadable = 0
    for entry in collection:
        try:
            row = read(model, entry)
        except UnreadableReply:
            unreadable += 1
        else:
            rows.setdefault(row.urn, row)
    return Page(tuple(rows.values()), _cursor(reply.get("next_href")), unreadable)


def rows_of(model: type[Model], reply: Any) -> tuple[Model, ...]:
    """Read a response without pages."""
    return page_of(model, reply).rows


def page_query(query: Mapping[str, str], cursor: str | None) -> dict[str, str]:
    """Return the query of the page that `cursor` leads to, or of the first one."""
    return {**query, **dict(parse_qsl(cursor or ""))}


def _cursor(next_href: Any) -> str | None:
    # Only the position is taken from the URL: SoundCloud has named internal hosts there (issues 309, 368), and the
    # token must not be sent to any host that a response names.
    if next_href is None or next_href == "":
        return None
    if not isinstance(next_href, str):
        raise UnreadableReply("SoundCloud's next_href is not a URL")
    position = {name: value for name, value in parse_qsl(urlsplit(next_href).query) if name in _CURSOR_PARAMETERS}
    if not position:
        raise UnreadableReply("SoundCloud's next_href has no cursor")
    return urlencode(position)
