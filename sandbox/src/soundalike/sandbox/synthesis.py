"""Instruments: functions from pitch and length to a mono signal, float32, 44.1 kHz, about -1 to 1."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

Signal = npt.NDArray[np.float32]

SAMPLE_RATE: Final = 44_100
_TABLE: Final = 4096


def frames(seconds: float) -> int:
    """Return the number of samples in so many seconds."""
    return max(1, round(seconds * SAMPLE_RATE))


def clock(seconds: float) -> Signal:
    """Return the time in seconds of every sample."""
    return np.linspace(0, seconds, frames(seconds), endpoint=False, dtype=np.float32)


def saw(partials: int = 64) -> Signal:
    """Return the partial amplitudes of a sawtooth."""
    return (1.0 / np.arange(1, partials + 1)).astype(np.float32)


def pulse(duty: float, partials: int = 64) -> Signal:
    """Return the partial amplitudes of a pulse wave that is high for `duty` of its period; 0.5 is a square."""
    number = np.arange(1, partials + 1)
    amplitudes: Signal = (np.sin(np.pi * number * duty) / number).astype(np.float32)
    return amplitudes


def wave(frequency: float | Signal, seconds: float, partials: Signal, phase: float = 0.0) -> Signal:
    """Return a periodic tone by table look-up.

    `frequency` is in Hz, one value or one a sample; `partials` are the amplitudes of the 1st, 2nd, ... partial,
    of which those above 20 kHz are left out, so that nothing aliases.
    """
    length = frames(seconds)
    steady = isinstance(frequency, float | int)
    highest = float(frequency) if steady else float(np.max(frequency))
    audible = partials[: max(1, int(20_000 / highest))]
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex64)
    spectrum[1 : len(audible) + 1] = -0.5j * _TABLE * audible
    table = np.fft.irfft(spectrum).astype(np.float32)
    table /= max(float(np.max(np.abs(table))), 1e-9)
    if steady:
        cycles = np.arange(length, dtype=np.float64) * (highest / SAMPLE_RATE)
    else:
        cycles = np.cumsum(np.asarray(frequency)[:length], dtype=np.float64) / SAMPLE_RATE
    position = ((cycles + phase) * _TABLE).astype(np.int64) & (_TABLE - 1)
    tone: Signal = table[position]
    return tone


def decay(seconds: float, half_life: float) -> Signal:
    """Return an exponential envelope that halves every `half_life` seconds."""
    envelope: Signal = np.exp2(clock(seconds) * np.float32(-1.0 / half_life))
    return envelope


def apply_fade(signal: Signal, attack: float = 0.003, release: float = 0.01) -> Signal:
    """Return the signal with a linear rise and fall, in seconds, so that it neither clicks in nor out."""
    shaped = signal.copy()
    rise, fall = min(frames(attack), len(shaped)), min(frames(release), len(shaped))
    shaped[:rise] *= np.linspace(0.0, 1.0, rise, dtype=np.float32)
    shaped[-fall:] *= np.linspace(1.0, 0.0, fall, dtype=np.float32)
    return shaped


def apply_filter(signal: Signal, kind: str, cutoff: float | tuple[float, float], order: int = 2) -> Signal:
    """Return the signal behind a Butterworth filter; `kind` is lowpass, highpass or bandpass, `cutoff` in Hz."""
    sections = butter(order, cutoff, btype=kind, fs=SAMPLE_RATE, output="sos").astype(np.float32)
    return np.asarray(sosfilt(sections, signal), dtype=np.float32)


def noise(rng: np.random.Generator, seconds: float) -> Signal:
    """Return white noise of unit peak, about."""
    return rng.standard_normal(frames(seconds), dtype=np.float32) * np.float32(0.33)


def plucked_string(
    rng: np.random.Generator, frequency: float, seconds: float, *, damping: float, bright: float
) -> Signal:
    """Return a plucked string.

    A noise burst circulates in a delay line of one period and is averaged on every round (Karplus and Strong 1983,
    Computer Music Journal 7(2)); `damping` is the loss a second, `bright` 0 to 1 the share of unfiltered noise.
    """
    period = max(2, round(SAMPLE_RATE / frequency - 0.5))
    burst = rng.uniform(-1.0, 1.0, period).astype(np.float32)
    burst = bright * burst + (1 - bright) * 0.5 * (burst + np.roll(burst, 1))
    rounds = frames(seconds) // period + 1
    string = np.empty((rounds, period), dtype=np.float32)
    string[0] = burst - burst.mean()
    half = np.float32(0.5 * np.exp(-damping * period / SAMPLE_RATE))
    last = np.float32(0.0)
    for turn in range(1, rounds):
        before = string[turn - 1]
        string[turn, 1:] = half * (before[1:] + before[:-1])
        string[turn, 0] = half * (before[0] + last)
        last = before[-1]
    return apply_fade(string.reshape(-1)[: frames(seconds)], 0.001, 0.03)


def piano_string(frequency: float, seconds: float, half_life: float) -> Signal:
    """Return a piano-like tone: three groups of partials, of which the higher ones die away sooner."""
    tone = np.zeros(frames(seconds), dtype=np.float32)
    number = np.arange(1, 25, dtype=np.float32)
    strength = number**-1.3
    for first, last, share in ((0, 2, 1.0), (2, 6, 0.5), (6, 24, 0.2)):
        group = np.where((number > first) & (number <= last), strength, 0).astype(np.float32)
        detuned = frequency * (1 + 0.0004 * first)
        tone += wave(detuned, seconds, group) * decay(seconds, half_life * share) * np.float32(share)
    return apply_fade(tone, 0.002, 0.08)


def bell(frequency: float, seconds: float, half_life: float, ratios: tuple[float, ...]) -> Signal:
    """Return a metal bar or gong: partials at inharmonic `ratios` of the frequency, the higher the shorter."""
    time = clock(seconds)
    tone = np.zeros(len(time), dtype=np.float32)
    for rank, ratio in enumerate(ratios):
        if frequency * ratio < 18_000:
            partial = np.sin(np.float32(2 * np.pi * frequency * ratio) * time)
            tone += partial * decay(seconds, half_life / (1 + 0.9 * rank)) * np.float32(0.75**rank)
    return apply_fade(tone / np.float32(1.5), 0.002, 0.05)


def kick(seconds: float, start: float, end: float, half_life: float) -> Signal:
    """Return a bass drum: a sine that falls from `start` to `end` Hz while it dies away."""
    pitch = np.float32(end) + np.float32(start - end) * decay(seconds, 0.018)
    phase = np.cumsum(pitch, dtype=np.float64) * (2 * np.pi / SAMPLE_RATE)
    return apply_fade(np.sin(phase).astype(np.float32) * decay(seconds, half_life), 0.001, 0.02)


def snare(rng: np.random.Generator, seconds: float, tone: float, half_life: float, low: float) -> Signal:
    """Return a snare drum: noise above `low` Hz over a short tone."""
    rattle = apply_filter(noise(rng, seconds), "highpass", low) * decay(seconds, half_life)
    skin = wave(tone, seconds, np.ones(1, dtype=np.float32)) * decay(seconds, 0.03)
    return apply_fade(rattle * np.float32(1.4) + skin * np.float32(0.5), 0.001, 0.02)


def cymbal(rng: np.random.Generator, seconds: float, half_life: float, low: float) -> Signal:
    """Return a hi-hat or cymbal: noise above `low` Hz that dies away."""
    return apply_fade(apply_filter(noise(rng, seconds), "highpass", low, 3) * decay(seconds, half_life), 0.001, 0.01)
