"""Forgetting on request: what is held of a track, a recording, an artist, a user or a playlist goes and stays away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import InvalidTarget
from soundalike.db import encodings, erasure, releases, track_references
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.service_urls import Kind, ServiceAddress, parse_address
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId
from soundalike.storage.object_keys import preview_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soundalike.db.database import Pool
    from soundalike.db.encodings import OtherEncoding
    from soundalike.db.tracks import StoredTrack
    from soundalike.storage.object_store import ObjectStore

ACCEPTED_FORMS: Final = (
    "a track (what GET /recommend takes), a playlist or album (address or URI), an artist (spotify:artist:…, "
    "deezer:artist:…, or the address), or a user (soundcloud:users:…, spotify:user:…)"
)

_CONCURRENCY: Final = 8


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be forgotten: `kind` is track, artist, user or playlist, and `urn` names it."""

    kind: str
    urn: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was deleted: how many tracks with all that was known of them, and how many previews in the bucket.

    `was_known` is False where nothing was stored, so that only the block is new.
    """

    tracks: int
    previews: int
    was_known: bool = True


async def parse_subject(pool: Pool, text: str) -> Subject:
    """Read what a person pastes; raises `InvalidTarget` naming the accepted forms."""
    try:
        return Subject("track", (await track_references.resolve(pool, text)).urn)
    except InvalidTrackId:
        address = parse_address(text, expected=Kind.PLAYLIST)
    match address:
        case ServiceAddress(kind=Kind.ARTIST):
            return Subject("artist", address.urn)
        case ServiceAddress(kind=Kind.USER):
            return Subject("user", address.urn)
        case ServiceAddress(kind=Kind.PLAYLIST | Kind.ALBUM | Kind.COLLECTION):
            return Subject("playlist", address.urn)
    raise InvalidTarget(f"{text.strip()[:80]!r} cannot be forgotten; accepted are {ACCEPTED_FORMS}")


async def forget(pool: Pool, store: ObjectStore, subject: Subject, *, with_tracks: bool = False) -> Erasure:
    """Delete and block; `with_tracks`: also the tracks of a playlist. Raises `StoreUnavailable`; may be repeated."""
    async with pool.acquire() as db:
        was_known = await erasure.is_known(db, subject.urn)
        match subject.kind:
            case "artist":
                urns = await erasure.forget_artist(db, subject.urn)
            case "user":
                urns = await erasure.forget_user(db, subject.urn)
            case "playlist":
                urns = await erasure.forget_playlist(db, subject.urn, with_tracks=with_tracks)
            case _:
                await erasure.forget_tracks(db, [TrackId.from_urn(subject.urn)])
                urns = [subject.urn]
    done = await _delete_all_previews(store, urns)
    if was_known:
        return done
    return Erasure(tracks=0, previews=done.previews, was_known=done.previews > 0)


async def find_other_encodings(pool: Pool, subject: Subject) -> list[OtherEncoding]:
    """List the files that may be other encodings of the file that is to be forgotten; none for anything else."""
    if subject.kind != "track":
        return []
    track = TrackId.from_urn(subject.urn)
    return await encodings.others(pool, track) if track.source == "file" else []


async def forget_encodings(pool: Pool, store: ObjectStore, others: Sequence[OtherEncoding]) -> Erasure:
    """Delete and block other encodings of what is forgotten. Raises `StoreUnavailable`; may be repeated."""
    tracks = [other.stored.track.id for other in others]
    async with pool.acquire() as db:
        await erasure.forget_tracks(db, tracks)
    return await _delete_all_previews(store, [track.urn for track in tracks])


async def find_releases(pool: Pool, title: str, artist: str) -> list[StoredTrack]:
    """List the tracks of a recording: those that are called so, and those that share the ISRC of one of them."""
    named = await releases.by_name(pool, title, artist)
    also = await releases.by_isrc(pool, isrcs_of(named))
    return list({stored.track.id: stored for stored in (*named, *also)}.values())


def isrcs_of(tracks: Iterable[StoredTrack]) -> list[str]:
    """Return the codes that tracks bear, in their one form."""
    return sorted({code for stored in tracks if (code := normalised_isrc(stored.track.isrc))})


async def forget_releases(
    pool: Pool, store: ObjectStore, isrcs: Sequence[str], tracks: Sequence[TrackId] = ()
) -> Erasure:
    """Delete tracks, and by ISRC all releases of a recording, which are blocked. Raises `StoreUnavailable`."""
    async with pool.acquire() as db:
        urns = await erasure.forget_releases(db, isrcs, tracks)
    return await _delete_all_previews(store, urns)


async def _delete_all_previews(store: ObjectStore, urns: Sequence[str]) -> Erasure:
    turns = asyncio.Semaphore(_CONCURRENCY)
    deleted = await asyncio.gather(*(_delete_previews(store, TrackId.from_urn(urn), turns) for urn in urns))
    return Erasure(len(urns), sum(deleted))


async def _delete_previews(store: ObjectStore, track: TrackId, turns: asyncio.Semaphore) -> int:
    async with turns:
        keys = [item.key async for item in store.list(preview_prefix(track))]
        for key in keys:
            await store.delete(key)
    return len(keys)
