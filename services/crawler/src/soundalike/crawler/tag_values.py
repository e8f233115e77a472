"""The values of a file's tags, whatever its container calls them."""

from __future__ import annotations

import io
import re
import struct
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mutagen import MutagenError
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.dsdiff import DSDIFF
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.id3 import ID3, UFID, Encoding, TextFrame
from mutagen.monkeysaudio import MonkeysAudio
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.musepack import Musepack
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.optimfrog import OptimFROG
from mutagen.tak import TAK
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE
from mutagen.wavpack import WavPack

from soundalike.audio.coded_audio.chunks import RIFF, content
from soundalike.audio.container_metadata import read_metadata
from soundalike.audio.errors import AudioError
from soundalike.audio.sniff import AudioKind, id3_starts, locate
from soundalike.audio.substream import Substream, size
from soundalike.crawler.cue_block import cue_block_text
from soundalike.crawler.legacy_text import restore_byte_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

Value: TypeAlias = str | bytes
"""A text; bytes where nothing tells, or not reliably, in which code page it is written."""

Values: TypeAlias = "Mapping[str, Sequence[Value]]"

MAX_VALUES: Final = 50
MAX_TEXT_LENGTH: Final = 1000
MAX_CUE_SHEET_LENGTH: Final = 50_000
_MAX_BYTES: Final = 4 * MAX_TEXT_LENGTH
_ENOUGH: Final = frozenset({"title", "artist"})
_MAX_PAIRS: Final = 10_000
_MAX_INFO_BYTES: Final = 1 << 20
_BUFFER_BYTES: Final = 1 << 16
_MUSICBRAINZ: Final = "http://musicbrainz.org"

# What mutagen raises on damaged tags: its own errors, and now and then those of the statement that stumbled.
_DAMAGED: Final = (
    MutagenError,
    AudioError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    struct.error,
)

# Names without case, spaces and signs, as Vorbis comments, APEv2, ASF, Matroska, MP4's free form, TXXX and FFmpeg have
# them; and those of ID3, MP4 and RIFF.
_FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("title", "tracktitle", "tit2", "\xa9nam", "inam", "name"), "title"),
    **dict.fromkeys(("artist", "trackartist", "author", "tpe1", "\xa9art", "iart", "auth"), "artist"),
    **dict.fromkeys(("artists", "wmartists"), "artists"),
    **dict.fromkeys(("albumartist", "albumartists", "wmalbumartist", "tpe2", "aart"), "albumartist"),
    "performer": "performer",
    **dict.fromkeys(("album", "albumtitle", "wmalbumtitle", "talb", "\xa9alb", "iprd"), "album"),
    **dict.fromkeys(("isrc", "wmisrc", "tsrc"), "isrc"),
    **dict.fromkeys(("musicbrainztrackid", "musicbrainzrecordingid"), "recording"),
    "musicbrainzartistid": "artist id",
    "acoustidid": "acoustid",
    "cuesheet": "cuesheet",
}
_Pairs: TypeAlias = "tuple[Iterable[tuple[str, Value]], float]"
_Reader: TypeAlias = "Callable[[BinaryIO], _Pairs]"

_LANGUAGE: Final = re.compile(r"-[a-z]{3}$")
_SIGNS: Final = re.compile(r"[\s_./:|-]")


def read_values(stream: BinaryIO, kind: AudioKind | None) -> tuple[Values, float]:
    """Return the values of a file's tags by field, and the length in seconds that it declares, 0 for none.

    The fields are title, artist, artists, albumartist, performer, album, isrc, recording (a MusicBrainz id), artist id
    (of MusicBrainz), acoustid and cuesheet (a whole one). Of several tags the first that has a field counts; they are
    read until title, artist and length are known. Damaged ones count as none.
    """
    located = locate(stream)
    start = located.start if located else 0
    audio = _from(stream, start)
    audio.seek(0)
    readers = _readers(audio.read(16), kind)
    values: dict[str, list[Value]] = {}
    seconds = 0.0
    # Some programs put a tag in front of one that has the names.
    in_front = [(_id3v2, _from(stream, position)) for position in id3_starts(stream)]
    for reader, source in (*((reader, audio) for reader in readers), *in_front, (_id3, stream)):
        if seconds and values.keys() >= _ENOUGH:
            break
        try:
            source.seek(0)
            pairs, length = reader(source)
            fields = _by_field(pairs)
        except _DAMAGED:
            continue
        values = fields | values
        seconds = seconds or length
    return values, seconds


def _from(stream: BinaryIO, start: int) -> BinaryIO:
    return io.BufferedReader(Substream(stream, start), _BUFFER_BYTES) if start else stream


def _readers(head: bytes, kind: AudioKind | None) -> Sequence[_Reader]:
    """Return the readers for what begins with `head`, before that of ID3, which stands around audio of every kind."""
    for signature, readers in _READERS:
        if head.startswith(signature):
            return readers
    if head[4:8] == b"ftyp":
        return (_file(MP4), _metadata("mov"))
    # An APEv2 tag knows more than the 128 bytes of ID3v1 behind it.
    return (_id3v2, _ape, _file(MP3)) if kind is AudioKind.MP3 else (_id3v2, _ape)


def _by_field(pairs: Iterable[tuple[str, Value]]) -> dict[str, list[Value]]:
    fields: dict[str, list[Value]] = {}
    for name, value in islice(pairs, _MAX_PAIRS):
        field = _field(name)
        if field and value.strip() and len(values := fields.setdefault(field, [])) < MAX_VALUES:
            length = _MAX_BYTES if isinstance(value, bytes) else MAX_TEXT_LENGTH
            values.append(value[: MAX_CUE_SHEET_LENGTH if field == "cuesheet" else length])
    return fields


def _field(name: str) -> str | None:
    # Matroska has tags of the album beside those of the track, and tags in several languages.
    level, _, rest = _LANGUAGE.sub("", name).rpartition("/")
    plain = _SIGNS.sub("", rest).casefold()
    if level.casefold() == "album":
        plain = {"title": "albumtitle", "artist": "albumartist"}.get(plain, "")
    return _FIELDS.get(_SIGNS.sub("", name).casefold()) or _FIELDS.get(plain)


def _file(*types: Callable[[BinaryIO], Any]) -> _Reader:
    """Return a reader of what mutagen knows: the first of its types that the file is of."""

    def read(stream: BinaryIO) -> _Pairs:
        for file_type in types:
            stream.seek(0)
            try:
                file = file_type(stream)
            except _DAMAGED:
                continue
            pairs = list(_pairs(file.tags))
            if isinstance(file, FLAC) and file.cuesheet:
                pairs.append(("cuesheet", cue_block_text(file.cuesheet, file.info.sample_rate, file.tags or ())))
            return pairs, float(getattr(file.info, "length", 0) or 0)
        return (), 0.0

    return read


def _pairs(tags: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(tags, ID3):
        yield from _id3_pairs(tags)
    elif tags is not None:
        # Vorbis comments and ASF are lists of pairs, also where several have one name.
        for key, value in tags if isinstance(tags, list) else tags.items():
            name = key.rpartition(":")[2] if key.startswith("----:") else key
            # Pictures are among the rest.
            if _field(name):
                for each in value if isinstance(value, list) else [value]:
                    yield from ((name, text) for text in _texts(each))


def _texts(value: Any) -> list[str]:
    """Return the texts of a value; some programs, and APEv2, put NUL between several."""
    text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[: MAX_VALUES * MAX_TEXT_LENGTH].split("\0")


def _id3_pairs(tags: ID3) -> Iterator[tuple[str, Value]]:
    for frame in tags.values():
        if isinstance(frame, UFID) and frame.owner == _MUSICBRAINZ:
            yield "musicbrainz track id", frame.data.decode("ascii", "replace")
        elif isinstance(frame, TextFrame):
            name = getattr(frame, "desc", None) if frame.FrameID == "TXXX" else frame.FrameID
            texts = [str(text) for text in frame.text]
            if frame.encoding == Encoding.LATIN1:
                # Programs of all countries say Latin-1 and write what their system uses; one with UTF-16 puts NULs in.
                yield name or "", "\0".join(texts).encode("latin-1", "replace")
            else:
                ordered = map(restore_byte_order, texts) if frame.encoding == Encoding.UTF16 else texts
                yield from ((name or "", text) for value in ordered for text in value.split("\0"))


def _id3v2(stream: BinaryIO) -> _Pairs:
    return _id3_pairs(ID3(stream, load_v1=False)), 0.0


def _id3(stream: BinaryIO) -> _Pairs:
    return _id3_pairs(ID3(stream)), 0.0


def _ape(stream: BinaryIO) -> _Pairs:
    return _pairs(APEv2(stream)), 0.0


def _riff_info(stream: BinaryIO) -> _Pairs:
    return _info_pairs(stream), 0.0


def _info_pairs(stream: BinaryIO) -> Iterator[tuple[str, Value]]:
    """Yield the texts of the LIST chunk INFO (Microsoft, Multimedia Programming Interface 1.0, section 2)."""
    for chunk in RIFF.chunks(stream, 12, size(stream)):
        if chunk.name != b"LIST":
            continue
        info = io.BytesIO(content(stream, chunk, _MAX_INFO_BYTES))
        if info.read(4) == b"INFO":
            for text in RIFF.chunks(info, 4, size(info)):
                yield text.name.decode("latin-1"), content(info, text, _MAX_BYTES).rstrip(b"\0")


def _metadata(demuxer: str) -> _Reader:
    """Return a reader of what FFmpeg knows."""
    return lambda stream: read_metadata(stream, demuxer)


_READERS: Final[Sequence[tuple[bytes, Sequence[_Reader]]]] = (
    (b"fLaC", (_file(FLAC),)),
    (b"OggS", (_file(OggVorbis, OggOpus, OggFLAC, OggSpeex),)),
    (b"RIFF", (_file(WAVE), _riff_info)),
    (b"RF64", (_riff_info,)),
    (b"BW64", (_riff_info,)),
    (b"FORM", (_file(AIFF), _metadata("aiff"))),
    (b"DSD ", (_file(DSF),)),
    (b"FRM8", (_file(DSDIFF),)),
    (b"\x1aE\xdf\xa3", (_metadata("matroska"),)),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", (_file(ASF),)),
    (b"riff\x2e\x91\xcf\x11", (_metadata("w64"),)),
    (b"caff", (_metadata("caf"),)),
    (b".snd", (_metadata("au"),)),
    (b"FLV\x01", (_metadata("flv"),)),
    (b".RMF", (_metadata("rm"),)),
    (b".ra\xfd", (_metadata("rm"),)),
    (b"wvpk", (_file(WavPack), _ape)),
    (b"TTA1", (_file(TrueAudio), _ape)),
    (b"MAC ", (_file(MonkeysAudio), _ape)),
    (b"MP+", (_file(Musepack), _ape)),
    (b"MPCK", (_file(Musepack), _ape)),
    (b"OFR ", (_file(OptimFROG), _ape)),
    (b"tBaK", (_file(TAK), _ape)),
)
