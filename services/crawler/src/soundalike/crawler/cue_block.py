"""The cue sheet that FLAC stores as a block of numbers (RFC 9639, section 8.7), written as a cue sheet's text."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mutagen.flac import CueSheet

_FRAMES_PER_SECOND: Final = 75
_LEAD_OUTS: Final = frozenset({170, 255})
_MAX_TRACKS: Final = 254
_MAX_COMMENTS: Final = 1_000


def cue_block_text(block: CueSheet, rate: int, comments: Iterable[tuple[str, str]]) -> str:
    """Return the text; titles and performers stand in Vorbis comments such as `cue_track01_title`, if anywhere."""
    texts = {name.lower(): " ".join(value.split()) for name, value in islice(comments, _MAX_COMMENTS)}
    lines = ['FILE "" WAVE']
    for track in islice(block.tracks, _MAX_TRACKS):
        number = track.track_number
        starts = [index.index_offset for index in track.indexes if index.index_number == 1]
        if number in _LEAD_OUTS or not starts or rate <= 0:
            continue
        frames = round((track.start_offset + starts[0]) * _FRAMES_PER_SECOND / rate)
        seconds, frame = divmod(frames, _FRAMES_PER_SECOND)
        lines.append(f"TRACK {number} {'AUDIO' if track.type == 0 else 'DATA'}")
        for command, name in (("TITLE", "title"), ("PERFORMER", "performer")):
            if text := texts.get(f"cue_track{number:02}_{name}"):
                lines.append(f'{command} "{text}"')
        isrc = track.isrc.strip(b"\0").decode("ascii", "ignore")
        lines += [f"ISRC {isrc}"] if isrc else []
        lines.append(f"INDEX 01 {seconds // 60:02}:{seconds % 60:02}:{frame:02}")
    return "\n".join(lines)
