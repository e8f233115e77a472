"""Scales, chords, rhythm grids and seeded melodies."""

from dataclasses import dataclass
from typing import Final

import numpy as np

SCALES: Final[dict[str, tuple[float, ...]]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    # Five and seven tones that fit no piano: the steps of two Javanese tunings, rounded to tenths of a semitone.
    "slendro": (0, 2.4, 4.8, 7.2, 9.6),
    "pelog": (0, 1.2, 2.6, 7.0, 8.1),
}


def hertz(midi: float) -> float:
    """Return the frequency in Hz of a MIDI note number; 69 is 440 Hz and fractions are allowed."""
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


@dataclass(frozen=True)
class Key:
    """A tonic (MIDI note number) with a scale; degree 0 is the tonic and degrees run on through the octaves."""

    tonic: float
    scale: tuple[float, ...]

    def pitch(self, degree: int) -> float:
        """Return the MIDI note number of a degree; negative degrees lie below the tonic."""
        octave, step = divmod(degree, len(self.scale))
        return self.tonic + 12.0 * octave + self.scale[step]

    def chord(self, degree: int, size: int = 3) -> list[float]:
        """Return `size` MIDI note numbers in thirds of the scale on a degree, lowest first."""
        return [self.pitch(degree + 2 * third) for third in range(size)]


@dataclass(frozen=True)
class Meter:
    """A steady pulse: `tempo` beats a minute, `beats` to the bar."""

    tempo: float
    beats: int = 4

    @property
    def beat(self) -> float:
        """Length of one beat in seconds."""
        return 60.0 / self.tempo

    @property
    def bar(self) -> float:
        """Length of one bar in seconds."""
        return self.beat * self.beats

    def at(self, bar: int, beat: float = 0.0) -> float:
        """Return the time in seconds of a beat in a bar, both counted from 0."""
        return bar * self.bar + beat * self.beat

    def bars(self, seconds: float) -> int:
        """Return how many bars begin within so many seconds."""
        return int(np.ceil(seconds / self.bar))


def walk(rng: np.random.Generator, length: int, low: int, high: int, *, leap: float = 0.2) -> list[int]:
    """Return a melody of `length` degrees in [low, high]: steps, and with chance `leap` thirds or fourths."""
    degree = int(rng.integers(low, high + 1))
    melody = []
    for _ in range(length):
        melody.append(degree)
        size = int(rng.integers(2, 4)) if rng.random() < leap else 1
        degree += size if rng.random() < 0.5 else -size
        if degree > high:
            degree = 2 * high - degree
        if degree < low:
            degree = 2 * low - degree
    return melody


def close_voicing(chord: list[float], low: float) -> list[float]:
    """Return the chord's tones moved by octaves into the octave above `low`, sorted, so that voices move little."""
    return sorted(low + (tone - low) % 12.0 for tone in chord)
