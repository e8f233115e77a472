"""What files of a kind begin with."""

from __future__ import annotations

import re
from typing import Final

from soundalike.audio.audio_kind import AudioKind

# HEIC and AVIF pictures (covers) come in the same container as AAC (ISO/IEC 23008-12, annex B).
_PICTURE_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})
_OTHER_CONTAINERS: Final = (b"PK\x03\x04", b"RIFF", b"%PDF", b"Rar!", b"7z\xbc\xaf")
"""Files that may contain a whole MP3 and are not MP3s for that."""

_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_W64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_FIRST_BYTES: Final = {
    b"fLaC": AudioKind.FLAC,
    b"OggS": AudioKind.OGG,
    b"\x1aE\xdf\xa3": AudioKind.WEBM,
    b"wvpk": AudioKind.WAVPACK,
    b"TTA1": AudioKind.TTA,
    b"tBaK": AudioKind.TAK,
    b"ajkg": AudioKind.SHORTEN,
    b"MAC ": AudioKind.APE,
    b"MP+": AudioKind.MUSEPACK,
    b"MPCK": AudioKind.MUSEPACK,
    b"DSD ": AudioKind.DSF,
    b"caff": AudioKind.CAF,
    b".snd": AudioKind.AU,
    b"Creative Voice File\x1a": AudioKind.VOC,
    b"#!AMR": AudioKind.AMR,
    b".ra\xfd": AudioKind.REALAUDIO,
    b".RMF": AudioKind.REALAUDIO,
    b"FLV\x01": AudioKind.FLV,
    b"\x00\x00\x01\xba": AudioKind.MPEG_PS,
    b"\x7f\xfe\x80\x01": AudioKind.DTS,
    _ASF: AudioKind.WMA,
    _W64: AudioKind.W64,
}
_FORMS: Final = {
    (b"RIFF", b"WAVE"): AudioKind.WAV,
    (b"RF64", b"WAVE"): AudioKind.WAV,
    (b"BW64", b"WAVE"): AudioKind.WAV,
    (b"RIFF", b"AVI "): AudioKind.AVI,
    (b"FORM", b"AIFF"): AudioKind.AIFF,
    (b"FORM", b"AIFC"): AudioKind.AIFF,
}
"""Of files whose first twelve bytes are a name, a length and another name."""

_TS_PACKET_BYTES: Final = (188, 192)
"""Of transport streams; those of cameras and discs put a time of four bytes before each packet."""

_TS_PACKETS: Final = 5
# What begins so in the midst of other bytes is hardly an accident: where frames are looked for, these are too.
_START_WITHIN: Final = re.compile(
    rb"OggS\0[\x02\x06]|fLaC[\0\x80]\0\0\x22|(?:RIFF|RF64|BW64).{4}WAVE|FORM.{4}AIF[FC]"
    rb"|\0.{3}ftyp(?:M4[AB] |mp4[12]|isom)|wvpk.{4}[\x02-\x10]\x04|TTA1[\x01\x03]\0|MPCK",
    re.DOTALL,
)


def kind_at_start(head: bytes) -> AudioKind | None:
    """Return the kind of audio whose signature `head` begins with, or `None`."""
    if kind := _FORMS.get((head[:4], head[8:12])):
        return kind
    if head[:4] == b"FRM8" and head[12:16] == b"DSD ":
        return AudioKind.DFF
    if head[4:8] == b"ftyp" and head[8:12] not in _PICTURE_BRANDS:
        return AudioKind.M4A
    if head[4:8] == b"\xf8\x72\x6f\xba":
        return AudioKind.TRUEHD
    kind = next((kind for mark, kind in _FIRST_BYTES.items() if head.startswith(mark)), None)
    if kind is AudioKind.OGG and b"OpusHead" in head[:128]:
        return AudioKind.OPUS
    return kind or (AudioKind.MPEG_TS if _is_transport_stream(head) else None)


def kind_within(block: bytes) -> tuple[AudioKind, int] | None:
    """Find the first signature in `block` that is long enough to be no accident, and where it stands."""
    for match in _START_WITHIN.finditer(block):
        if kind := kind_at_start(block[match.start() : match.start() + 256]):
            return kind, match.start()
    return None


def is_other_container(head: bytes) -> bool:
    """Tell whether `head` begins a file of another kind that may hold whole audio files."""
    return head.startswith(_OTHER_CONTAINERS)


def _is_transport_stream(head: bytes) -> bool:
    for length in _TS_PACKET_BYTES:
        syncs = head[length - 188 : length * _TS_PACKETS : length]
        if len(syncs) == _TS_PACKETS and set(syncs) == {0x47}:
            return True
    return False
