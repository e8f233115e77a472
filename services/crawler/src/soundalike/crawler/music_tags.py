"""What a music file says about itself."""

from __future__ import annotations

import codecs
import io
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

from pydantic import AfterValidator, Field

from soundalike.audio.sniff import sniff_stream
from soundalike.crawler.legacy_text import decode_all
from soundalike.crawler.tag_values import MAX_CUE_SHEET_LENGTH, MAX_TEXT_LENGTH, MAX_VALUES, read_values
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from soundalike.audio.sniff import AudioKind
    from soundalike.crawler.tag_values import Value

_LONGEST_SECONDS: Final = 2_000_000
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OF_LATIN_1: Final = re.compile(r"[\x20-\x7e\x80-\xff]*")
_ROLE: Final = re.compile(r"(?<=\S) \([^()]*\)$")

# What texts in tags are written in. A confined process (`audio.confinement`) can load no codec later.
for _encoding in ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le"):
    codecs.lookup(_encoding)

_Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH), AfterValidator(clean)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=MAX_VALUES)]
_Ids = Annotated[tuple[Annotated[str, Field(pattern=f"^(?:{_UUID.pattern})$")], ...], Field(max_length=MAX_VALUES)]


@dataclass(frozen=True, slots=True)
class MusicTags:
    """Names and numbers from a file's tags; None or empty where it does not tell.

    `artists` is the credit as the tags have it; each of them is one artist where `artists_exact`. `recordings` are ids
    of MusicBrainz, `acoustids` those of AcoustID. `cue_sheet` is the text of one as it stands in the tags.
    """

    title: _Text | None = None
    artists: _Texts = ()
    album: _Text | None = None
    isrc: Annotated[str, Field(max_length=12)] | None = None
    duration_ms: Annotated[int, Field(gt=0, le=_LONGEST_SECONDS * 1000)] | None = None
    artists_exact: bool = False
    recordings: _Ids = ()
    acoustids: _Ids = ()
    cue_sheet: Annotated[str, Field(max_length=MAX_CUE_SHEET_LENGTH)] | None = None


def encode_tags(source: bytes | BinaryIO) -> bytes:
    """Read the tags of an audio file of any kind as `read_tags` does, and return them as JSON."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    return json.dumps(asdict(read_tags(stream, sniff_stream(stream)))).encode()


def read_tags(stream: BinaryIO, kind: AudioKind | None) -> MusicTags:
    """Read the tags of a file of that kind; damaged tags count as none, and nothing is raised for them."""
    values, seconds = read_values(stream, kind)
    texts = _texts(values)
    artists, exact = _artists(texts)
    return MusicTags(
        title=next(iter(texts("title")), None),
        artists=artists,
        album=next(iter(texts("album")), None),
        isrc=next((isrc for isrc in map(normalised_isrc, texts("isrc")) if isrc), None),
        duration_ms=_duration_ms(seconds),
        artists_exact=exact,
        recordings=_uuids(texts("recording")),
        acoustids=_uuids(texts("acoustid")),
        cue_sheet=next(map(_cue_sheet, values.get("cuesheet", ())), None),
    )


def _cue_sheet(value: Value) -> str:
    return decode_all([value])[value] if isinstance(value, bytes) else value


def _texts(values: Mapping[str, Sequence[Value]]) -> Callable[[str], tuple[str, ...]]:
    decoded = decode_all(raw for field in values.values() for raw in map(_raw, field) if isinstance(raw, bytes))

    def texts(field: str) -> tuple[str, ...]:
        lines = (
            line
            for raw in map(_raw, values.get(field, ()))
            for line in (decoded[raw] if isinstance(raw, bytes) else raw).split("\0")
        )
        cleaned = (clean(line[:MAX_TEXT_LENGTH]) for line in lines)
        return tuple(dict.fromkeys(text for text in cleaned if text))[:MAX_VALUES]

    return texts


def _raw(value: Value) -> Value:
    """Return the bytes of a text that may have been read as Latin-1 before it was written as Unicode."""
    is_suspect = isinstance(value, str) and not value.isascii() and _OF_LATIN_1.fullmatch(value)
    return value.encode("latin-1") if isinstance(value, str) and is_suspect else value


def _artists(texts: Callable[[str], tuple[str, ...]]) -> tuple[tuple[str, ...], bool]:
    """Return the credit, and whether each of its values is one artist."""
    artist, artists = texts("artist"), texts("artists")
    if artist and artists:
        # Picard writes what is printed on the cover into the one, and the names one by one into the other.
        return artists, True
    if artist:
        return artist, len(artist) == len(set(texts("artist id")))
    return artists or texts("albumartist") or tuple(_ROLE.sub("", name) for name in texts("performer")), False


def _uuids(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(uuid for text in texts for uuid in _UUID.findall(text.lower())))[:MAX_VALUES]


def _duration_ms(seconds: float) -> int | None:
    if not math.isfinite(seconds) or seconds >= _LONGEST_SECONDS:
        return None
    return max(0, round(seconds * 1000)) or None
