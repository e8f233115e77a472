"""The pages of a walk in the catalogue; each is written in one transaction with the position after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from soundalike import soundcloud
from soundalike.crawler.walk.previews import PREVIEW
from soundalike.db import favorites, popularity, task_queue, tracks, users
from soundalike.db.database import in_transaction
from soundalike.db.popularity import Popularity
from soundalike.db.tracks import Track
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from soundalike.crawler.walk.list_position import ListPosition
    from soundalike.db.database import Connection, Pool
    from soundalike.db.task_queue import Task

LIKES: Final = "likes"
LIKERS: Final = "likers"
_MAX_CACHED: Final = 200_000


@dataclass(slots=True)
class GraphWriter:
    """Writes pages. A track's own row is written once a run: the lists of its likers contain it again and again."""

    pool: Pool
    enqueue_previews: bool = False
    _allowed: dict[str, bool] = field(default_factory=dict, init=False)

    async def write_start(self, start: soundcloud.User | soundcloud.Track) -> None:
        """Enqueue the first list of a walk, due at once, also where it was read before."""
        if isinstance(start, soundcloud.User):
            await users.upsert(self.pool, [_user(start)])
            await self._enqueue_now("user", start.urn, LIKES)
        else:
            await self._write_tracks([start])
            await self._enqueue_now("track", start.urn, LIKERS)

    async def write_likes(self, task: Task, page: Sequence[soundcloud.Track], position: ListPosition) -> None:
        """Write a page of what a user likes, and enqueue the lists of who else likes it."""
        liked = await self._write_tracks(page)

        async def write(db: Connection) -> None:
            await users.upsert(db, [User(task.urn)])
            await favorites.add(db, [(task.urn, track) for track in liked])
            await task_queue.enqueue(db, "track", liked, LIKERS, depth=task.depth + 1)
            await task_queue.extend_lease(db, task, cursor=position.format())

        await in_transaction(self.pool, write)

    async def write_likers(self, task: Task, page: Sequence[soundcloud.User], position: ListPosition) -> None:
        """Write a page of who likes a track, and enqueue the lists of what else they like."""

        async def write(db: Connection) -> None:
            allowed = await users.upsert(db, [_user(user) for user in page])
            await favorites.add(db, [(user, task.urn) for user in allowed])
            await task_queue.enqueue(db, "user", sorted(allowed), LIKES, depth=task.depth + 1)
            await task_queue.extend_lease(db, task, cursor=position.format())

        await in_transaction(self.pool, write)

    async def complete(self, task: Task, repeat_in: timedelta | None) -> None:
        """Store that a list was read to its end."""
        await task_queue.complete(self.pool, task, repeat_in=repeat_in)

    async def _enqueue_now(self, kind: Literal["track", "user"], urn: str, request: str) -> None:
        await task_queue.enqueue(self.pool, kind, [urn], request)
        await task_queue.enqueue_now(self.pool, kind, urn, request)

    async def _write_tracks(self, page: Sequence[soundcloud.Track]) -> list[str]:
        """Write the rows of tracks that were not yet written; returns the URNs of those that are not blocked."""
        if len(self._allowed) > _MAX_CACHED:
            self._allowed.clear()
        rows = {track.urn: track for track in page}
        new = [track for urn, track in rows.items() if urn not in self._allowed]
        for track in new:
            self._allowed[track.urn] = await tracks.upsert(self.pool, _track(track))
        await popularity.upsert(self.pool, [_popularity(track) for track in new])
        if self.enqueue_previews and (
            available := [track.urn for track in new if _has_preview(track) and self._allowed[track.urn]]
        ):
            await task_queue.enqueue(self.pool, "track", sorted(available), PREVIEW)
        return sorted(urn for urn in rows if self._allowed[urn])


def _has_preview(track: soundcloud.Track) -> bool:
    return track.access in {"playable", "preview"}


def _user(user: soundcloud.User) -> User:
    return User(user.urn, user.track_count, user.public_favorites_count, user.followers_count)


def _track(track: soundcloud.Track) -> Track:
    artist = track.metadata_artist or (track.user.username if track.user else None)
    return Track(
        id=TrackId.from_urn(track.urn),
        title=track.title or "",
        artists=(artist,) if artist else (),
        artist_urns=(track.user.urn,) if track.user else (),
        duration_ms=track.duration,
        isrc=track.isrc,
        link=track.permalink_url,
        tags=track.tags,
    )


def _popularity(track: soundcloud.Track) -> Popularity:
    return Popularity(
        track=track.urn,
        genre=track.genre,
        label=track.label_name,
        published_at=track.created_at,
        playbacks=track.playback_count,
        favoritings=track.favoritings_count,
        reposts=track.reposts_count,
        comments=track.comment_count,
        downloads=track.download_count,
    )
