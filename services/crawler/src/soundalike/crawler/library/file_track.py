"""The track that a file is, by its tags or its name."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from soundalike.audio.audio_files import without_suffix
from soundalike.crawler.legacy_text import decode_all
from soundalike.crawler.music_tags import MusicTags
from soundalike.db.aliases import ACOUSTID, ISRC, MUSICBRAINZ_RECORDING, Alias
from soundalike.db.tracks import Track
from soundalike.domain.artists import decide
from soundalike.domain.file_identity import file_id
from soundalike.domain.file_names import read_file_name
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from soundalike.crawler.library.file_reader import FileFacts


def file_track(facts: FileFacts, path: bytes) -> Track:
    """Return the track of a file; `path`, that below the folder of its library, names what its tags do not name."""
    tags = facts.tags or MusicTags()
    name = read_file_name(_text(path), tags.artists)
    is_named = tags.title is None or fold(tags.title) == fold(name.title)
    credit = tags.artists or ((name.artist,) if name.artist and is_named else ())
    return Track(
        id=file_id(facts.audio.digest),
        title=tags.title or name.title,
        # Who is known as an artist is asked when all files are read (`db.artist_credits`).
        artists=decide(credit, lambda _: False),
        artist_credit=None if tags.artists_exact else credit or None,
        album=tags.album or (name.album if tags.title is None and not tags.artists else None),
        duration_ms=facts.audio.duration_ms or tags.duration_ms,
        fronts=facts.audio.fronts,
        isrc=tags.isrc,
        # No link: a path on somebody's disk is nobody else's business, and every answer of the API shows the link.
        link=None,
        aliases=aliases(tags),
    )


def aliases(tags: MusicTags) -> tuple[Alias, ...]:
    """Return the ids in tags."""
    return (
        *(Alias(MUSICBRAINZ_RECORDING, recording) for recording in tags.recordings),
        *(Alias(ACOUSTID, acoustid) for acoustid in tags.acoustids),
        *([Alias(ISRC, tags.isrc)] if tags.isrc else []),
    )


def _text(path: bytes) -> str:
    """Return a path as text, without the suffix of a kind of audio.

    Names that are no UTF-8 come from systems with another code page.
    """
    names = path.split(b"/")
    decoded = decode_all(names)
    return str(without_suffix(PurePosixPath("/".join(decoded[name] for name in names))))
