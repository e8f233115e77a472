"""Encoding as AAC in an MP4 file, the form of the previews of iTunes."""

import io
from fractions import Fraction
from typing import Final

import av
import numpy as np
import soundfile

_BITS_PER_SECOND: Final = 128_000


def as_m4a(audio: bytes, title: str) -> bytes:
    """Return an audio file that libsndfile can read as an M4A file with a title."""
    samples, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    target = io.BytesIO()
    with av.open(target, "w", format="ipod") as container:
        container.metadata["title"] = title
        stream = container.add_stream("aac", rate=rate, layout="stereo" if samples.shape[1] == 2 else "mono")
        stream.bit_rate = _BITS_PER_SECOND
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T), format="fltp", layout="stereo" if samples.shape[1] == 2 else "mono"
        )
        frame.sample_rate = rate
        frame.pts = 0
        frame.time_base = Fraction(1, rate)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
