"""Blues: twelve bars of shuffle with plucked guitars, a walking bass and brushes."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import Signal, cymbal, kick, plucked_string, snare
from soundalike.sandbox.theory import SCALES, Key, Meter, hertz, walk

_TWELVE_BARS = (0, 5, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)
_STRAIGHT_TO_SWUNG = (0.0, 2 / 3)


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(98, 108)))
    tonic = float(rng.integers(40, 46))
    lead = Key(tonic + 24, SCALES["blues"])
    strings: dict[tuple[float, float], Signal] = {}
    drums, mix = Mix(), Mix()

    def string(midi: float, seconds: float, bright: float = 0.6) -> Signal:
        if (midi, seconds) not in strings:
            strings[midi, seconds] = plucked_string(rng, hertz(midi), seconds, damping=1.2, bright=bright)
        return strings[midi, seconds]

    boom = kick(0.25, 110, 55, 0.06)
    brush, ride = snare(rng, 0.22, 210, 0.045, 1800), cymbal(rng, 0.3, 0.06, 5500)
    walking = [(0, 4, 7, 9), (0, 4, 7, 10), (0, 3, 4, 7)][int(rng.integers(3))]
    melody = iter(walk(rng, 400, -2, 8, leap=0.25))

    for bar in range(meter.bars(SECONDS)):
        root = tonic + _TWELVE_BARS[bar % 12]
        for beat in range(4):
            time = meter.at(bar, beat)
            mix.add(string(root - 12 + walking[beat], 0.55, 0.2), time, 0.8)
            drums.add(boom if beat % 2 == 0 else brush, time, 0.5 if beat % 2 == 0 else 0.32)
            for number, swung in enumerate(_STRAIGHT_TO_SWUNG):
                drums.add(ride, time + swung * meter.beat, 0.2 - 0.06 * number, 0.3)
                # The two-string shuffle of blues guitar: fifth and sixth in turn over the root.
                for tone in (root + 12, root + 12 + (9 if beat % 2 else 7), root + 12 + 4):
                    mix.add(string(tone, 0.3), time + swung * meter.beat, 0.26, -0.5)
        if bar % 4 == 3 and rng.random() < 0.6:
            continue
        for beat in range(4):
            for swung in _STRAIGHT_TO_SWUNG:
                degree = next(melody)
                if rng.random() < 0.62:
                    mix.add(string(lead.pitch(degree), 0.7, 0.9), meter.at(bar, beat + swung), 0.55, 0.4)

    mix.drive(1.6)
    mix.reverb(0.15, 0.9, 4000)
    mix.blend(drums, 0.75)
    return mix.master(0.01, 0.8)


STYLE = Style(
    slug="blues",
    description="twelve-bar shuffle blues on plucked guitars",
    artists=("Levee Tom Akers", "The Gravel Brothers", "Delphine Rook"),
    albums=("Mud on the Dashboard", "Twelve Bars to Home", "River Stage"),
    titles=(
        "Rent Is Due Again",
        "Catfish Alarm Clock",
        "Your Mother's Telephone",
        "Gravel in My Coffee",
        "Slow Freight to Natchez",
        "Borrowed Umbrella Blues",
    ),
    compose=compose,
)
