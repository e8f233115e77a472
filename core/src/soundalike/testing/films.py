"""Small videos with sound, and sound with pictures."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np


def film(container: str, audio: str, video: str, *, pictures: int = 200, per_second: int = 25) -> bytes:
    """Write 8 s of a tone beside so many grey pictures."""
    buffer = io.BytesIO()
    rate = 48_000
    with av.open(buffer, "w", format=container) as file:
        images = file.add_stream(video, rate=per_second)
        images.width = images.height = 64
        images.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(video, "yuv420p")
        sound = file.add_stream(audio, rate=rate)
        sound.layout = "stereo"
        sound.bit_rate = 128_000
        for number in range(pictures):
            image = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number, np.uint8), format="rgb24")
            image.pts, image.time_base = number, Fraction(1, per_second)
            file.mux(images.encode(image))
        file.mux(images.encode(None))
        tone = (0.3 * np.sin(np.arange(8 * rate) / 20)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(format=sound.format.name, layout="stereo", rate=rate)
        for piece in [*resampler.resample(frame), None]:
            file.mux(sound.encode(piece))
    return buffer.getvalue()
