"""Sound in every form that our libraries can write."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import soundfile

from .direct_stream_digital import dff, dsf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def chirp(seconds: float, rate: int = 44_100) -> NDArray[np.float32]:
    """A rising tone, another one in each channel: any moment of it sounds like no other."""
    t = np.arange(round(seconds * rate)) / rate
    left = 0.4 * np.sin(2 * np.pi * (200 * t + 20 * t**2))
    right = 0.2 * np.sin(2 * np.pi * (300 * t + 15 * t**2))
    return np.stack([left, right], axis=1).astype(np.float32)


def by_sndfile(frames: NDArray[np.float32], rate: int, **form: Any) -> bytes:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, frames.shape[1], **form) as file:
        # libsndfile's Ogg encoders overflow their stack when they are given everything at once.
        for start in range(0, len(frames), 4096):
            file.write(frames[start : start + 4096])
    return buffer.getvalue()


def by_ffmpeg(frames: NDArray[np.float32], rate: int, container: str, codec: str, bit_rate: int | None = None) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        if bit_rate:
            stream.bit_rate = bit_rate
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(frames.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(format=stream.format.name, layout="stereo", rate=rate)
        for piece in [*resampler.resample(frame), None]:
            file.mux(stream.encode(piece))
    return buffer.getvalue()


FORMS: dict[str, tuple[Callable[..., bytes], int, dict[str, Any]]] = {
    "wav": (by_sndfile, 44_100, {"format": "WAV", "subtype": "PCM_16"}),
    "wav-float": (by_sndfile, 44_100, {"format": "WAV", "subtype": "FLOAT"}),
    "aiff": (by_sndfile, 44_100, {"format": "AIFF", "subtype": "PCM_16"}),
    "flac": (by_sndfile, 44_100, {"format": "FLAC", "subtype": "PCM_16"}),
    "flac-24": (by_sndfile, 48_000, {"format": "FLAC", "subtype": "PCM_24"}),
    "mp3": (by_sndfile, 44_100, {"format": "MP3", "subtype": "MPEG_LAYER_III"}),
    "ogg": (by_sndfile, 44_100, {"format": "OGG", "subtype": "VORBIS"}),
    "opus": (by_sndfile, 48_000, {"format": "OGG", "subtype": "OPUS"}),
    "m4a": (by_ffmpeg, 44_100, {"container": "ipod", "codec": "aac"}),
    "alac": (by_ffmpeg, 44_100, {"container": "ipod", "codec": "alac"}),
    "aac": (by_ffmpeg, 44_100, {"container": "adts", "codec": "aac"}),
    "webm": (by_ffmpeg, 48_000, {"container": "webm", "codec": "libopus"}),
    "mp2": (by_ffmpeg, 44_100, {"container": "mp2", "codec": "mp2"}),
    "wma": (by_ffmpeg, 44_100, {"container": "asf", "codec": "wmav2", "bit_rate": 128_000}),
    "wavpack": (by_ffmpeg, 44_100, {"container": "wv", "codec": "wavpack"}),
    "tta": (by_ffmpeg, 44_100, {"container": "tta", "codec": "tta"}),
    "ac3": (by_ffmpeg, 48_000, {"container": "ac3", "codec": "ac3"}),
    "eac3": (by_ffmpeg, 48_000, {"container": "eac3", "codec": "eac3"}),
    "caf": (by_sndfile, 44_100, {"format": "CAF", "subtype": "PCM_16"}),
    "caf-alac": (by_ffmpeg, 44_100, {"container": "caf", "codec": "alac"}),
    "w64": (by_sndfile, 44_100, {"format": "W64", "subtype": "PCM_24"}),
    "au": (by_sndfile, 44_100, {"format": "AU", "subtype": "PCM_16"}),
    "voc": (by_sndfile, 44_100, {"format": "VOC", "subtype": "PCM_16"}),
    "realaudio": (by_ffmpeg, 44_100, {"container": "rm", "codec": "ac3"}),
    "3gp": (by_ffmpeg, 44_100, {"container": "3gp", "codec": "aac"}),
    "matroska": (by_ffmpeg, 44_100, {"container": "matroska", "codec": "wavpack"}),
    "oggflac": (by_ffmpeg, 44_100, {"container": "ogg", "codec": "flac"}),
    "mp3-in-wav": (by_ffmpeg, 44_100, {"container": "wav", "codec": "libmp3lame"}),
    "dsf": (dsf, 22_050, {}),
    "dff": (dff, 22_050, {}),
    "avi": (by_ffmpeg, 44_100, {"container": "avi", "codec": "pcm_s16le"}),
    "flv": (by_ffmpeg, 44_100, {"container": "flv", "codec": "aac"}),
    "mpeg-ps": (by_ffmpeg, 48_000, {"container": "mpeg", "codec": "mp2"}),
    "mpeg-ts": (by_ffmpeg, 48_000, {"container": "mpegts", "codec": "mp2"}),
}
LOSSLESS = ("wav", "wav-float", "aiff", "flac", "flac-24", "alac")
