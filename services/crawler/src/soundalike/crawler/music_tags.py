"""What a music file says about itself."""

from __future__ import annotations

import codecs
import io
import json
import math
import struct
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

from mutagen import MutagenError
from mutagen.aiff import AIFF
from mutagen.easymp4 import EasyMP4, EasyMP4Tags
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp3 import EasyMP3
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from pydantic import AfterValidator, Field

from soundalike.audio.sniff import AudioKind, sniff_stream
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_READERS: Final[Mapping[AudioKind, Sequence[Callable[[BinaryIO], Any]]]] = {
    AudioKind.MP3: (EasyMP3,),
    AudioKind.M4A: (EasyMP4,),
    AudioKind.FLAC: (FLAC,),
    AudioKind.OGG: (OggVorbis, OggFLAC, OggSpeex),
    AudioKind.OPUS: (OggOpus,),
    AudioKind.WAV: (WAVE,),
    AudioKind.AIFF: (AIFF,),
}
# What mutagen raises on damaged tags: its own errors, and now and then those of the statement that stumbled.
_DAMAGED: Final = (
    MutagenError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    struct.error,
)
_ID3_FRAMES: Final = {"title": "TIT2", "artist": "TPE1", "albumartist": "TPE2", "album": "TALB", "isrc": "TSRC"}
_LONGEST_TEXT: Final = 1000
_MOST_VALUES: Final = 50
_LONGEST_SECONDS: Final = 2_000_000

# What texts in tags are written in. A confined process (`audio.confinement`) can load no codec later.
for _encoding in ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le"):
    codecs.lookup(_encoding)

EasyMP4Tags.RegisterFreeformKey("isrc", "ISRC")

_Text = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(clean)]


@dataclass(frozen=True, slots=True)
class MusicTags:
    """Names and numbers from a file's tags; None or empty where it does not tell."""

    title: _Text | None = None
    artists: Annotated[tuple[_Text, ...], Field(max_length=_MOST_VALUES)] = ()
    album: _Text | None = None
    isrc: Annotated[str, Field(max_length=12)] | None = None
    duration_ms: Annotated[int, Field(gt=0, le=_LONGEST_SECONDS * 1000)] | None = None


def encode_tags(source: bytes | BinaryIO) -> bytes:
    """Read the tags of an audio file of any kind as `read_tags` does, and return them as JSON."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    return json.dumps(asdict(read_tags(stream, sniff_stream(stream)))).encode()


def read_tags(stream: BinaryIO, kind: AudioKind | None) -> MusicTags:
    """Read the tags of a file of that kind; damaged tags count as none, and nothing is raised for them."""
    for reader in _READERS.get(kind, ()) if kind else ():
        stream.seek(0)
        try:
            file = reader(stream)
            return _tags(file)
        except _DAMAGED:
            continue
    return MusicTags()


def _tags(file: Any) -> MusicTags:
    artists = _texts(file, "artist") or _texts(file, "albumartist")
    return MusicTags(
        title=next(iter(_texts(file, "title")), None),
        artists=artists,
        album=next(iter(_texts(file, "album")), None),
        isrc=next((isrc for isrc in map(normalised_isrc, _texts(file, "isrc")) if isrc), None),
        duration_ms=_duration_ms(file),
    )


def _texts(file: Any, name: str) -> tuple[str, ...]:
    tags = file.tags
    if not tags:
        return ()
    if isinstance(tags, ID3):
        values = [text for frame in tags.getall(_ID3_FRAMES[name]) for text in frame.text]
    else:
        values = tags.get(name, [])
    texts = (clean(str(value)[:_LONGEST_TEXT]) for value in islice(values, _MOST_VALUES))
    return tuple(text for text in texts if text)


def _duration_ms(file: Any) -> int | None:
    seconds = float(getattr(file.info, "length", 0) or 0)
    if not math.isfinite(seconds) or seconds >= _LONGEST_SECONDS:
        return None
    return max(0, round(seconds * 1000)) or None
