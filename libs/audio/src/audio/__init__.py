"""Any preview or music file to mono samples at 12 kHz; and cutting previews out of music files."""

from audio.cutting import CUT_KIND, cut
from audio.decoding import decode
from audio.excerpt import LISTENED, ExcerptRule
from audio.isolation import IsolatedCutter, IsolatedDecoder
from audio.recording import RATE, Recording
from audio.sniffing import AudioKind, sniff

__all__ = [
    "CUT_KIND",
    "LISTENED",
    "RATE",
    "AudioKind",
    "ExcerptRule",
    "IsolatedCutter",
    "IsolatedDecoder",
    "Recording",
    "cut",
    "decode",
    "sniff",
]
