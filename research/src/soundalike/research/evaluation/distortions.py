"""Distorted versions of a recording's excerpts: louder, quieter, re-encoded, shifted by some seconds."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import av
import numpy as np
import soxr

from soundalike.audio.decode import MIN_SECONDS, read_excerpts
from soundalike.audio.errors import PermanentAudioError
from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.audio.mixdown import mix_down

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

ORIGINAL: Final = "original"
REENCODED: Final = "mp3-64"
LOUDER: Final = "louder-6"
QUIETER: Final = "quieter-6"
SHIFTED: Final = "shifted-5"
DISTORTIONS: Final = (REENCODED, LOUDER, QUIETER, SHIFTED)
"""The names are part of the keys of the cache: a change of a distortion needs a new name."""

_SHIFT_SECONDS: Final = 5
_MP3_BITS: Final = 64_000
_MP3_RATE: Final = 44_100


@dataclass(frozen=True, slots=True)
class LongerRule(ExcerptRule):
    """The excerpts of `rule`, and behind each the seconds that the shifted version needs, where there are any."""

    rule: ExcerptRule = DEFAULT_RULE

    def spans(self, frames_total: int, rate: int) -> tuple[range, ...]:
        """Return the frames to read of a recording of `frames_total` frames at `rate` Hz."""
        return tuple(
            range(span.start, min(frames_total, span.stop + _SHIFT_SECONDS * rate))
            for span in self.rule.spans(frames_total, rate)
        )


def plain_excerpts(source: bytes | Path, rule: ExcerptRule, target: int) -> list[Samples]:
    """Return the excerpts of a file as they are, mono float32 [n] at `target` Hz each.

    Decodes in this process: untrusted files should have been decoded in isolation before. Raises as `audio.decode`.
    """
    pcm = read_excerpts(source, rule)
    mono = (resample_to(target, mix_down(frames, pcm.rate), pcm.rate) for frames in pcm.excerpts)
    return [samples[: rule.seconds * target] for samples in mono]


def distorted_excerpts(
    path: Path, rule: ExcerptRule = DEFAULT_RULE, target: int = RATE
) -> dict[str, list[Samples] | None]:
    """Return every distorted version of the excerpts of a file, float32 [n] at `target` Hz each.

    A version is None where too little of the recording is left. Decodes in this process: untrusted files should have
    been decoded in isolation before. Raises as `audio.decode`.
    """
    pcm = read_excerpts(path, LongerRule(rule=rule))
    rate, length = pcm.rate, (rule.seconds + rule.margin_seconds) * pcm.rate
    plain = [frames[:length] for frames in pcm.excerpts]
    versions: dict[str, list[Samples | None]] = {
        REENCODED: [reencode(frames, rate, target) for frames in plain],
        LOUDER: [_mono(amplify(frames, 6.0), rate, target) for frames in plain],
        QUIETER: [_mono(amplify(frames, -6.0), rate, target) for frames in plain],
        SHIFTED: [_mono(frames[_SHIFT_SECONDS * rate :], rate, target) for frames in pcm.excerpts],
    }
    return {name: [samples for samples in version if samples is not None] or None for name, version in versions.items()}


def amplify(frames: NDArray[np.float32], decibels: float) -> NDArray[np.float32]:
    """Change the level of any array of samples; what exceeds full scale is clipped, as players do."""
    return np.asarray(np.clip(frames * np.float32(10 ** (decibels / 20)), -1, 1), dtype=np.float32)


def resample_to(target: int, mono: Samples, rate: int) -> Samples:
    """Resample float32 [n] at `rate` Hz to `target` Hz by soxr HQ, as the platform does to 12 kHz."""
    return mono if rate == target else np.asarray(soxr.resample(mono, rate, target, quality="HQ"), dtype=np.float32)


def reencode(frames: NDArray[np.float32], rate: int, target: int = RATE) -> Samples | None:
    """Return float32 [n, channels] after encoding as MP3 at 64 kbit/s and decoding, as mono float32 at `target` Hz.

    None where that fails.
    """
    stereo = frames if frames.shape[1] <= 2 else mix_down(frames, rate)[:, np.newaxis]
    try:
        pcm = read_excerpts(encode_mp3(stereo, rate))
    except PermanentAudioError:
        return None
    return _mono(pcm.excerpts[0], pcm.rate, target)


def encode_mp3(frames: NDArray[np.float32], rate: int, bits: int = _MP3_BITS, *, stream_rate: int = _MP3_RATE) -> bytes:
    """Encode float32 [n, channels], one or two, at `rate` Hz as MP3 at `stream_rate` Hz, a constant `bits` a second."""
    buffer = io.BytesIO()
    layout = "mono" if frames.shape[1] == 1 else "stereo"
    with av.open(buffer, mode="w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=stream_rate, layout=layout)
        stream.bit_rate = bits
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=stream_rate)
        sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(frames.T), format="fltp", layout=layout)
        sound.sample_rate = rate
        for piece in [*resampler.resample(sound), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _mono(frames: NDArray[np.float32], rate: int, target: int) -> Samples | None:
    if len(frames) < MIN_SECONDS * rate:
        return None
    return resample_to(target, mix_down(frames, rate), rate)[: DEFAULT_RULE.seconds * target]
