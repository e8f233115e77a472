"""The playlists of the sandbox, and the entries that they can have."""

import base64
import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Final

from soundalike.sandbox.catalogue import Piece, digest, pieces, spotify_id

DEMO_PLAYLIST_ID: Final = spotify_id("playlist", "demo")
AWKWARD_PLAYLIST_ID: Final = spotify_id("playlist", "awkward")
FOREIGN_PLAYLIST_ID: Final = spotify_id("playlist", "foreign")
MAX_GENERATED: Final = 1_000_000

_GENERATED_PLAYLIST: Final = re.compile(r"generated(\d{13})")
_GENERATED_TRACK: Final = re.compile(r"generatedtrack(\d{8})")


@dataclass(frozen=True)
class Track:
    """A track as Spotify lists it.

    `preview` is the hash in the preview's URL, "" or None as replies have it; `piece` is what the preview sounds like
    and `take` tells tracks apart that sound the same. `linked_from` is the id that the client's market replaced.
    """

    spotify_id: str
    title: str
    artist: str
    album: str
    isrc: str
    duration_ms: int
    preview: str | None
    piece: Piece
    take: int | None = None
    linked_from: str | None = None


@dataclass(frozen=True)
class LocalFile:
    """A file on the owner's disk: no id, no preview."""

    title: str
    artist: str
    album: str
    seconds: int


@dataclass(frozen=True)
class Episode:
    """An episode of a podcast."""

    spotify_id: str
    title: str
    show: str


@dataclass(frozen=True)
class Tombstone:
    """A track that was taken down: only its id is left."""

    spotify_id: str


Entry = Track | LocalFile | Episode | Tombstone | None


@dataclass(frozen=True)
class Playlist:
    """A playlist; None among the entries is the null that Spotify returns for what it no longer knows.

    With `readable` false its metadata can be read but its entries answer 403, as with playlists of other people.
    """

    spotify_id: str
    name: str
    entries: tuple[Entry, ...]
    readable: bool = True

    @cached_property
    def snapshot_id(self) -> str:
        """A version that changes with the entries, 32 characters like Spotify's."""
        return base64.b64encode(bytes.fromhex(digest("snapshot", self.name, self.entries))[:24]).decode()


@dataclass(frozen=True)
class Album:
    """The tracks of a record."""

    spotify_id: str
    name: str
    artist: str
    tracks: tuple[Track, ...]


def track(piece: Piece) -> Track:
    """Return a piece of the catalogue as a track."""
    return Track(
        spotify_id=piece.spotify_id,
        title=piece.title,
        artist=piece.artist,
        album=piece.album,
        isrc=piece.isrc,
        duration_ms=piece.duration_ms,
        preview=piece.preview_hash,
        piece=piece,
    )


def generated_track(number: int) -> Track:
    """Return the numbered track of the generated playlists: its own id, ISRC and bytes, the sound of a piece."""
    piece = pieces()[number % len(pieces())]
    return Track(
        spotify_id=f"generatedtrack{number:08d}",
        title=f"Take {number} of {piece.title}",
        artist=piece.artist,
        album=f"{piece.album} (Outtakes)",
        isrc=f"ZZGEN{number:07d}",
        duration_ms=120_000 + number * 7919 % 240_000,
        preview=f"{number:08x}{digest('generated', number)[:32]}",
        piece=piece,
        take=number,
    )


def generated_playlist(count: int) -> Playlist:
    """Return a playlist of the first `count` generated tracks; its id contains the count, so every sandbox has it."""
    if not 0 <= count <= MAX_GENERATED:
        raise ValueError(f"a generated playlist has 0 to {MAX_GENERATED} tracks, not {count}")
    return Playlist(
        spotify_id=f"generated{count:013d}",
        name=f"{count} generated tracks",
        entries=tuple(generated_track(number) for number in range(count)),
    )


def demo_playlist() -> Playlist:
    """Return the playlist of the demo: all 48 pieces, the styles in turn."""
    ordered = sorted(pieces(), key=lambda piece: piece.index)
    return Playlist(DEMO_PLAYLIST_ID, "Soundalike demo", tuple(track(piece) for piece in ordered))


def awkward_playlist() -> Playlist:
    """Return a playlist of 11 entries with everything that real playlists contain besides plain tracks.

    In order: track, local file, episode, null, tombstone, the first track again, relinked track, track with
    lower-case ISRC, track with preview null, track with preview "", track.
    """
    plain, relinked, lower, without, empty, last = (track(piece) for piece in pieces()[::8])
    return Playlist(
        AWKWARD_PLAYLIST_ID,
        "Awkward on purpose",
        (
            plain,
            LocalFile("Kitchen Demo No. 2", "Me & the Kettle", "Unreleased", 273),
            Episode(spotify_id("episode", 1), "Why Bells Ring", "The Overtone Hour"),
            None,
            Tombstone(spotify_id("tombstone", 1)),
            plain,
            replace(
                relinked,
                spotify_id=spotify_id("substitute", relinked.spotify_id),
                linked_from=relinked.spotify_id,
            ),
            replace(lower, isrc=lower.isrc.lower()),
            replace(without, spotify_id=spotify_id("no preview"), preview=None, isrc="ZZSBX2690001"),
            replace(empty, spotify_id=spotify_id("empty preview"), preview="", isrc="ZZSBX2690002"),
            last,
        ),
    )


def foreign_playlist() -> Playlist:
    """Return another person's playlist, whose entries nobody else may read."""
    return Playlist(FOREIGN_PLAYLIST_ID, "Somebody else's", (track(pieces()[0]),), readable=False)


class Library:
    """All tracks and playlists by id and preview hash, and the user's saved tracks, the latest first."""

    def __init__(self) -> None:
        self.saved_tracks: list[Track] = [track(piece) for piece in pieces()[:3]]
        self._playlists: dict[str, Playlist] = {}
        self._tracks: dict[str, Track] = {}
        self._previews: dict[str, Track] = {}
        for playlist in (awkward_playlist(), foreign_playlist(), demo_playlist()):
            self.add(playlist)

    def add(self, playlist: Playlist) -> None:
        """Add a playlist, or replace the one with the same id, with all its tracks and their previews."""
        self._playlists[playlist.spotify_id] = playlist
        for entry in playlist.entries:
            if isinstance(entry, Track):
                self._tracks[entry.spotify_id] = entry
                if entry.preview:
                    self._previews[entry.preview] = entry

    def playlist(self, playlist_id: str) -> Playlist | None:
        """Return the playlist with an id."""
        playlist = self._playlists.get(playlist_id)
        if playlist is None and (size := _GENERATED_PLAYLIST.fullmatch(playlist_id)) and int(size[1]) <= MAX_GENERATED:
            playlist = self._playlists[playlist_id] = generated_playlist(int(size[1]))
        return playlist

    def user_playlists(self) -> list[Playlist]:
        """Return the playlists that the user owns or follows."""
        return [playlist for key, playlist in self._playlists.items() if not _GENERATED_PLAYLIST.fullmatch(key)]

    def album(self, album_id: str) -> Album | None:
        """Return the album with an id."""
        for entry in self._tracks.values():
            if album_id == spotify_id("album", entry.artist, entry.album):
                name = (entry.artist, entry.album)
                tracks = tuple(one for one in self._tracks.values() if (one.artist, one.album) == name)
                return Album(album_id, entry.album, entry.artist, tracks)
        return None

    def track(self, track_id: str) -> Track | None:
        """Return the track with an id."""
        number = _GENERATED_TRACK.fullmatch(track_id)
        if number and int(number[1]) < MAX_GENERATED:
            return generated_track(int(number[1]))
        return self._tracks.get(track_id)

    def track_by_preview(self, preview: str) -> Track | None:
        """Return the track whose preview has a hash."""
        if preview in self._previews:
            return self._previews[preview]
        number = int(preview[:8], 16)
        candidate = generated_track(number) if number < MAX_GENERATED else None
        return candidate if candidate is not None and candidate.preview == preview else None

    def pieces(self) -> list[Piece]:
        """Return the pieces that the tracks sound like, in the order of the demo playlist first."""
        demo = self._playlists[DEMO_PLAYLIST_ID].entries
        every = chain((entry for entry in demo if isinstance(entry, Track)), self._tracks.values())
        return list(dict.fromkeys(entry.piece for entry in every))
