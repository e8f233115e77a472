"""The track that a file is, by its tags or its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.audio.audio_files import is_named_like_audio
from soundalike.crawler.music_tags import MusicTags
from soundalike.db.aliases import ACOUSTID, ISRC, MUSICBRAINZ_RECORDING, Alias
from soundalike.db.tracks import Track
from soundalike.domain.artists import decide
from soundalike.domain.file_identity import file_id
from soundalike.domain.file_paths import display_path

if TYPE_CHECKING:
    from soundalike.crawler.library.file_reader import FileFacts


def file_track(facts: FileFacts, path: bytes) -> Track:
    """Return the track of a file at a path; of the path only what names the music is in it."""
    tags = facts.tags or MusicTags()
    return Track(
        id=file_id(facts.audio.digest),
        title=tags.title or title_of_name(path),
        # Who is known as an artist is asked when all files are read (`db.artist_credits`).
        artists=decide(tags.artists, lambda _: False),
        artist_credit=None if tags.artists_exact else tags.artists or None,
        album=tags.album,
        duration_ms=facts.audio.duration_ms or tags.duration_ms,
        fronts=facts.audio.fronts,
        isrc=tags.isrc,
        # No link: a path on somebody's disk is nobody else's business, and every answer of the API shows the link.
        link=None,
        aliases=aliases(tags),
    )


def title_of_name(path: bytes) -> str:
    """Return the title that a file's name gives: all of it but the suffix of a kind of audio."""
    name = Path(display_path(path).rpartition("/")[2])
    return name.stem if is_named_like_audio(name) else name.name


def aliases(tags: MusicTags) -> tuple[Alias, ...]:
    """Return the ids in tags."""
    return (
        *(Alias(MUSICBRAINZ_RECORDING, recording) for recording in tags.recordings),
        *(Alias(ACOUSTID, acoustid) for acoustid in tags.acoustids),
        *([Alias(ISRC, tags.isrc)] if tags.isrc else []),
    )
