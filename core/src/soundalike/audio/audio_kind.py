"""The kinds of audio files that are analysed: the one list of them."""

from __future__ import annotations

from enum import Enum


class AudioKind(Enum):
    """A kind of audio file: its usual extension (without the dot) and its MIME type."""

    MP3 = ("mp3", "audio/mpeg")
    M4A = ("m4a", "audio/mp4")
    AAC = ("aac", "audio/aac")
    OGG = ("ogg", "audio/ogg")
    OPUS = ("opus", "audio/ogg; codecs=opus")
    FLAC = ("flac", "audio/flac")
    WAV = ("wav", "audio/wav")
    AIFF = ("aiff", "audio/aiff")
    WEBM = ("webm", "audio/webm")
    MP2 = ("mp2", "audio/mpeg")
    WMA = ("wma", "audio/x-ms-wma")
    WAVPACK = ("wv", "audio/x-wavpack")
    APE = ("ape", "audio/x-ape")
    TTA = ("tta", "audio/x-tta")
    TAK = ("tak", "audio/x-tak")
    SHORTEN = ("shn", "audio/x-shorten")
    MUSEPACK = ("mpc", "audio/x-musepack")
    AC3 = ("ac3", "audio/ac3")
    EAC3 = ("eac3", "audio/eac3")
    DTS = ("dts", "audio/vnd.dts")
    TRUEHD = ("thd", "audio/vnd.dolby.mlp")
    DSF = ("dsf", "audio/x-dsf")
    DFF = ("dff", "audio/x-dff")
    CAF = ("caf", "audio/x-caf")
    W64 = ("w64", "audio/x-w64")
    AU = ("au", "audio/basic")
    VOC = ("voc", "audio/x-voc")
    AMR = ("amr", "audio/amr")
    REALAUDIO = ("ra", "audio/vnd.rn-realaudio")
    AVI = ("avi", "video/x-msvideo")
    FLV = ("flv", "video/x-flv")
    MPEG_PS = ("mpg", "video/mpeg")
    MPEG_TS = ("ts", "video/mp2t")

    def __init__(self, extension: str, mime_type: str) -> None:
        self.extension = extension
        self.mime_type = mime_type
