"""SoundCloud's objects as its API sends them (OpenAPI file of 2026-07-19, recorded replies)."""

from typing import Any, Final

from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.soundcloud_world import FIRST_TRACK, FIRST_USER, TasteWorld
from soundalike.sandbox.styles import STYLES

Reply = dict[str, Any]

_SITE: Final = "https://soundcloud.com"
_WORDS: Final = (
    "night",
    "river",
    "glass",
    "slow",
    "ember",
    "north",
    "paper",
    "signal",
    "harbour",
    "dust",
    "low",
    "far",
)


class SoundCloudReplies:
    """Builds the objects of a world, with URLs that begin with `base`."""

    def __init__(self, world: TasteWorld, base: str) -> None:
        self._world = world
        self._base = base

    def user(self, user: int) -> Reply:
        """Return an account, the same in lists and by itself."""
        number = FIRST_USER + user
        like_count = len(self._world.tracks_of[user])
        return {
            "kind": "user",
            "id": number,
            "urn": f"soundcloud:users:{number}",
            "uri": f"{self._base}users/{number}",
            "permalink": f"listener-{user}",
            "permalink_url": f"{_SITE}/listener-{user}",
            "username": f"Listener {user}",
            "full_name": "",
            "avatar_url": "",
            "city": None,
            "country": None,
            "description": None,
            "followers_count": like_count * 2,
            "followings_count": like_count,
            "track_count": 0,
            "playlist_count": 0,
            # It includes playlists, and tracks that are private by now.
            "public_favorites_count": like_count + user % 3,
            "reposts_count": 0,
            "plan": "Free",
            "created_at": "2018/01/01 12:08:25 +0000",
            "last_modified": "2024/01/03 12:08:25 +0000",
        }

    def track(self, track: int) -> Reply:
        """Return a track, the same in lists and by itself."""
        number = FIRST_TRACK + track
        style = STYLES[int(self._world.style_of[track])]
        fans = len(self._world.users_of[track])
        uploader = track % self._world.size.users
        quiet = track % 17 == 0
        return {
            "kind": "track",
            "id": number,
            "urn": f"soundcloud:tracks:{number}",
            # Replies of 2025 have either form here.
            "uri": f"{self._base}tracks/{number if track % 2 else f'soundcloud:tracks:{number}'}",
            "title": title_of(track),
            "permalink_url": f"{_SITE}/listener-{uploader}/track-{track}",
            "duration": 120_000 + track % 200_000,
            "created_at": f"20{10 + track % 15:02d}/{1 + track % 12:02d}/15 15:40:49 +0000",
            "genre": None if track % 23 == 0 else style.slug,
            "tag_list": f'{style.slug} "made for {_WORDS[track % len(_WORDS)]} hours"',
            "isrc": None,
            "label_name": None,
            "license": "cc-by",
            "metadata_artist": None,
            "description": None,
            "bpm": None,
            "key_signature": None,
            "playback_count": None if quiet else fans * 40 + track % 11,
            "favoritings_count": None if quiet else fans,
            "reposts_count": fans // 10,
            "comment_count": fans // 20,
            "download_count": 0,
            "reveal_stats": not quiet,
            "access": ("playable", "preview", "blocked")[0 if track % 10 else 1 + track // 10 % 2],
            "sharing": "public",
            "streamable": True,
            "user": self.user(uploader),
        }


def title_of(track: int) -> str:
    """Return a track's title: two words and its number."""
    seed = int(digest("soundcloud", track)[:8], 16)
    first, second = _WORDS[seed % len(_WORDS)], _WORDS[seed // len(_WORDS) % len(_WORDS)]
    return f"{first.title()} {second.title()} {track}"
