"""Waltz: a solo piano in three-four and a minor key, bass on the one, chords on two and three."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import Signal, apply_fade, frames, piano_string
from soundalike.sandbox.theory import SCALES, Key, Meter, close_voicing, hertz, walk

_PROGRESSIONS = (
    (0, 0, 3, 3, 4, 4, 0, 0, 5, 2, 3, 0, 4, 4, 0, 0),
    (0, 5, 3, 4, 0, 5, 4, 0, 3, 0, 4, 0, 3, 4, 0, 0),
    (0, 3, 6, 2, 5, 3, 4, 0, 0, 3, 4, 0, 5, 3, 4, 0),
)


class _Piano:
    """Strings that are struck once and then re-used, at every length."""

    def __init__(self) -> None:
        self._strings: dict[float, Signal] = {}

    def note(self, midi: float, seconds: float) -> Signal:
        if midi not in self._strings:
            self._strings[midi] = piano_string(hertz(midi), 2.6, 0.9 * 2 ** ((60 - midi) / 24))
        return apply_fade(self._strings[midi][: frames(min(seconds, 2.6))], 0.001, 0.09)


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(150, 172)), beats=3)
    key = Key(float(rng.integers(57, 63)), SCALES["harmonic minor"])
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    piano, mix = _Piano(), Mix()
    melody = iter(walk(rng, 200, 3, 13, leap=0.3))

    for bar in range(meter.bars(SECONDS)):
        degree = progression[bar % len(progression)]
        mix.add(piano.note(key.pitch(degree) - 24, meter.bar), meter.at(bar), 0.55, -0.35)
        for beat in (1, 2):
            for tone in close_voicing(key.chord(degree), key.tonic - 8):
                mix.add(piano.note(tone, meter.beat * 0.8), meter.at(bar, beat), 0.2, -0.15)
        if bar % 8 == 7:
            figure: tuple[float, ...] = (0,)
        else:
            figure = [(0, 1, 2), (0, 2), (0, 1.5, 2), (0, 0.5, 1, 2), (0, 1, 1.5, 2)][int(rng.integers(5))]
        for place, end in zip(figure, (*figure[1:], 3), strict=True):
            step = next(melody)
            if place == 0:
                step = min(range(3, 14), key=lambda tone: (tone - degree) % 7 not in {0, 2, 4} or abs(tone - step))
            length = (end - place) * meter.beat * 1.1
            mix.add(piano.note(key.pitch(step), length), meter.at(bar, place), 0.5 + 0.1 * rng.random(), 0.3)

    mix.reverb(0.3, 1.8, 3500)
    return mix.master(0.01, 1.2)


STYLE = Style(
    slug="waltz",
    description="solo piano waltz in a minor key",
    artists=("Ilse Varga", "Tomasz Brenner", "Adele Quint"),
    albums=("Evenings in Three", "The Empty Ballroom", "Letters Not Sent"),
    titles=(
        "Waltz for a Closed Café",
        "The Grey Umbrella",
        "Last Tram Home",
        "Dust on the Chandelier",
        "Valse Oubliée d'Hiver",
        "The Widow's Polished Shoes",
    ),
    compose=compose,
)
