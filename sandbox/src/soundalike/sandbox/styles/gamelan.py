"""Gamelan: interlocking metal bars in a five-tone tuning over a beating gong, in a large hall."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import Signal, bell
from soundalike.sandbox.theory import SCALES, Key, Meter, hertz, walk

_BAR = (1.0, 2.76, 5.4, 8.93)
_GONG = (1.0, 1.52, 2.0, 2.74, 3.9)


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(76, 88)))
    key = Key(float(rng.integers(65, 68)), SCALES[str(rng.choice(["slendro", "pelog"]))])
    bars: dict[tuple[float, float], Signal] = {}
    mix = Mix()

    def struck_bar(midi: float, seconds: float) -> Signal:
        if (midi, seconds) not in bars:
            # Each bar has a twin tuned a few hertz away, whose beating is the sound of the ensemble.
            one, two = (bell(hertz(midi) + offset, seconds, seconds / 5, _BAR) for offset in (0.0, 5.0))
            bars[midi, seconds] = one + two
        return bars[midi, seconds]

    gong = bell(hertz(key.tonic - 24), 6.0, 1.6, _GONG) + bell(hertz(key.tonic - 24) + 1.7, 6.0, 1.6, _GONG)
    core = walk(rng, 8, 0, 4, leap=0.4)
    above = rng.integers(1, 3, 16)
    for bar in range(meter.bars(SECONDS)):
        if bar % 4 == 0:
            mix.add(gong, meter.at(bar), 0.5)
            core = [degree if rng.random() < 0.8 else walk(rng, 1, 0, 4)[0] for degree in core]
        elif bar % 2 == 0:
            mix.add(gong[: len(gong) // 3], meter.at(bar), 0.2, 0.2)
        for beat in range(4):
            degree = core[(bar * 4 + beat) % 8]
            mix.add(struck_bar(key.pitch(degree), 2.0), meter.at(bar, beat), 0.4, -0.4)
            for quarter in range(4):
                ornament = degree + 5 + int(above[(beat * 4 + quarter) % 16]) * (quarter % 2)
                side = 0.7 if quarter % 2 else 0.2
                mix.add(struck_bar(key.pitch(ornament), 0.7), meter.at(bar, beat + quarter / 4), 0.26, side)

    mix.reverb(0.5, 2.8, 5000)
    return mix.master(0.01, 2.0)


STYLE = Style(
    slug="gamelan",
    description="interlocking bells in five-tone tunings",
    artists=("Bronze Garden Ensemble", "Pasar Lonceng", "The Ninth Mallet"),
    albums=("Rain on Bronze", "Market of Bells", "Five Tones, One Gong"),
    titles=(
        "Procession of Small Lamps",
        "The Heron Counts to Eight",
        "Monsoon Arithmetic",
        "Offering at the Crossroads",
        "Kites over the Terraces",
        "Gong of the Patient Village",
    ),
    compose=compose,
)
