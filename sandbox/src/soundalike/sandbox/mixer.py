"""The stereo canvas on which a piece is laid out, with the effects of a small studio."""

from typing import Final, Self

import numpy as np
import numpy.typing as npt

from soundalike.sandbox.synthesis import SAMPLE_RATE, Signal, apply_filter, frames

Stereo = npt.NDArray[np.float32]

SECONDS: Final = 30.0
# MP3 decoding overshoots the encoded peak by up to about a decibel.
PEAK: Final = 0.84
_COMBS: Final = (0.0297, 0.0371, 0.0411, 0.0437)


class Mix:
    """Stereo samples, float32 of shape (2, frames), into which sounds are added; sounds past the end are cut."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.samples: Stereo = np.zeros((2, frames(seconds)), dtype=np.float32)

    def add(self, sound: Signal, at: float, gain: float = 1.0, pan: float = 0.0) -> None:
        """Add a mono sound at a time in seconds; `pan` runs from -1 (left) to 1 (right) at equal power."""
        start = frames(at) if at > 0 else 0
        room = self.samples.shape[1] - start
        if room <= 0:
            return
        audible = sound[:room]
        angle = (pan + 1) * np.pi / 4
        span = self.samples[:, start : start + len(audible)]
        span[0] += audible * np.float32(gain * np.cos(angle))
        span[1] += audible * np.float32(gain * np.sin(angle))

    def blend(self, other: Self, gain: float = 1.0) -> None:
        """Add another canvas of the same length."""
        self.samples += other.samples * np.float32(gain)

    def filter(self, kind: str, cutoff: float | tuple[float, float], order: int = 2) -> None:
        """Filter both channels; see `sandbox.synthesis.apply_filter`."""
        self.samples = apply_filter(self.samples, kind, cutoff, order)

    def sweep(self, low: float, high: float, period: float, start: float = 0.0) -> None:
        """Open and close a low-pass between `low` and `high` Hz once every `period` seconds."""
        time = np.arange(self.samples.shape[1], dtype=np.float32) / np.float32(SAMPLE_RATE)
        openness = 0.5 - 0.5 * np.cos(np.float32(2 * np.pi / period) * time + np.float32(start))
        closed = apply_filter(self.samples, "lowpass", low)
        self.samples = closed + (apply_filter(self.samples, "lowpass", high) - closed) * openness

    def drive(self, amount: float) -> None:
        """Distort by a hyperbolic tangent; the louder `amount` the harsher."""
        peak = max(float(np.max(np.abs(self.samples))), 1e-9)
        self.samples = np.tanh(self.samples * np.float32(amount / peak))

    def duck(self, times: list[float], depth: float, seconds: float) -> None:
        """Push the level down by `depth` (0 to 1) at each time, as a compressor keyed by the bass drum does."""
        dip = 1 - np.float32(depth) * np.linspace(1.0, 0.0, frames(seconds), dtype=np.float32)
        for time in times:
            start = frames(time) if time > 0 else 0
            span = self.samples[:, start : start + len(dip)]
            span *= dip[: span.shape[1]]

    def echo(self, seconds: float, feedback: float, gain: float) -> None:
        """Add echoes that swap sides, `seconds` apart, each `feedback` times as loud as the one before."""
        step = frames(seconds)
        dry = self.samples.copy()
        level, delay, side = gain, step, dry[::-1]
        while level > 0.02 and delay < dry.shape[1]:
            self.samples[:, delay:] += side[:, :-delay] * np.float32(level)
            level, delay, side = level * feedback, delay + step, side[::-1]

    def reverb(self, amount: float, seconds: float, damping: float = 4000.0) -> None:
        """Add a room that dies away by 60 dB in `seconds`.

        Four parallel feedback combs (Schroeder 1962, J. Audio Eng. Soc. 10(3)) behind a low-pass at `damping` Hz;
        the two channels have slightly different delays, which makes the room wide.
        """
        send = apply_filter(self.samples, "lowpass", damping)
        room = np.zeros_like(send)
        for channel in range(2):
            for base in _COMBS:
                delay = base * (1.0 + 0.023 * channel)
                room[channel] += _comb(send[channel], frames(delay), 10 ** (-3 * delay / seconds))
        self.samples = self.samples + room * np.float32(amount / len(_COMBS))

    def master(self, fade_in: float, fade_out: float) -> Stereo:
        """Return the finished piece, float32 (frames, 2): no offset, faded in and out, peak at 0.84 of full scale."""
        final = self.samples - self.samples.mean(axis=1, keepdims=True)
        rise, fall = frames(fade_in), frames(fade_out)
        final[:, :rise] *= np.linspace(0, 1, rise, dtype=np.float32)
        final[:, -fall:] *= np.linspace(1, 0, fall, dtype=np.float32)
        final *= np.float32(PEAK) / max(float(np.max(np.abs(final))), 1e-9)
        return np.ascontiguousarray(final.T, dtype=np.float32)


def _comb(signal: Signal, delay: int, feedback: float) -> Signal:
    """Return y[n] = x[n - delay] + feedback * y[n - delay], one block of `delay` samples at a time."""
    blocks = -(-len(signal) // delay)
    padded = np.zeros((blocks + 1, delay), dtype=np.float32)
    padded.reshape(-1)[delay : delay + len(signal)] = signal
    gain = np.float32(feedback)
    for block in range(1, blocks + 1):
        padded[block] += gain * padded[block - 1]
    return padded.reshape(-1)[: len(signal)]
