"""Long answers in pages: which one comes next, and whether it may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic
from urllib.parse import parse_qsl, urlencode, urlsplit

from soundalike.soundcloud.errors import UnreadableReply
from soundalike.soundcloud.replies import Model, read

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACES: Final = frozenset({"cursor", "offset"})


@dataclass(frozen=True, slots=True)
class Page(Generic[Model]):
    """Part of a long answer; `unreadable` counts rows that were no users or tracks, such as deleted ones.

    `cursor` is what to ask the rest with, None after the last page. A page may be short or empty and have a next one.
    """

    rows: tuple[Model, ...]
    cursor: str | None
    unreadable: int = 0


def page_of(model: type[Model], reply: Any) -> Page[Model]:
    """Read a page; a bare list, as SoundCloud sent before 2021, is the only page. Raises `UnreadableReply`."""
    if isinstance(reply, list):
        reply = {"collection": reply}
    collection = reply.get("collection") if isinstance(reply, dict) else None
    if not isinstance(collection, list):
        raise UnreadableReply("SoundCloud's page has no collection")
    rows = []
    for row in collection:
        try:
            rows.append(read(model, row))
        except UnreadableReply:
            continue
    return Page(tuple(rows), _cursor(reply.get("next_href")), len(collection) - len(rows))


def rows_of(model: type[Model], reply: Any) -> tuple[Model, ...]:
    """Read a short answer that has no pages."""
    return page_of(model, reply).rows


def query_of(query: Mapping[str, str], cursor: str | None) -> dict[str, str]:
    """Return what to ask for the page that `cursor` stands for, or for the first one."""
    return {**query, **dict(parse_qsl(cursor or ""))}


def _cursor(next_href: Any) -> str | None:
    # Only the place is taken from the address: SoundCloud has named internal hosts there (issues 309, 368), and the
    # token is not to be sent to whatever host a reply names.
    if next_href is None or next_href == "":
        return None
    if not isinstance(next_href, str):
        raise UnreadableReply("SoundCloud's next_href is no address")
    place = {name: value for name, value in parse_qsl(urlsplit(next_href).query) if name in _PLACES}
    if not place:
        raise UnreadableReply("SoundCloud's next_href does not say where to go on")
    return urlencode(place)
