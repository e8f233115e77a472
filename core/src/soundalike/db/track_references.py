"""Resolving what people paste to the tracks they mean; only SoundCloud permalinks need the catalogue for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.domain.text import clean
from soundalike.domain.track_id import ACCEPTED_FORMS, TrackId, soundcloud_permalink
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor

_BY_LINK = "SELECT link, urn FROM tracks WHERE link = ANY($1) AND source = 'soundcloud'"


async def resolve(db: Executor, text: str) -> TrackId:
    """Return the track that a text names; raises `InvalidTrackId`."""
    [track] = await resolve_all(db, [text])
    return track


async def resolve_all(db: Executor, texts: Sequence[str]) -> list[TrackId]:
    """Return the tracks that texts name, each once, in their order; all permalinks are looked up in one statement.

    Raises `InvalidTrackId` for what names no track, and for a permalink of a track that is not in the catalogue.
    """
    cleaned = [clean(text) for text in texts]
    permalinks = {text: link for text in cleaned if (link := soundcloud_permalink(text)) is not None}
    urns = await urns_of_permalinks(db, list(permalinks.values())) if permalinks else {}
    tracks: dict[TrackId, None] = {}
    for text in cleaned:
        link = permalinks.get(text)
        if link is not None and link not in urns:
            raise unknown_permalink(link)
        tracks[TrackId.parse(text) if link is None else TrackId.from_urn(urns[link])] = None
    return list(tracks)


async def urns_of_permalinks(db: Executor, links: Sequence[str]) -> dict[str, str]:
    """Return the URNs of the tracks that the catalogue has, by their addresses as `soundcloud_permalink` gives them."""
    return {row["link"]: row["urn"] for row in await db.fetch(_BY_LINK, list(links))}


def unknown_permalink(link: str) -> InvalidTrackId:
    """Return the error for the address of a track that is not in the catalogue."""
    return InvalidTrackId(f"the catalogue has no track with the address {link}; accepted are {ACCEPTED_FORMS}")
