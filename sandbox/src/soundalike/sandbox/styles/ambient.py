"""Ambient: slow chords of detuned saws behind a low-pass, a drone, far bells, hardly any pulse."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import apply_fade, bell, noise, saw, wave
from soundalike.sandbox.theory import SCALES, Key, close_voicing, hertz, walk


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    key = Key(float(rng.integers(48, 54)), SCALES[str(rng.choice(["lydian", "major"]))])
    length = float(rng.uniform(6.0, 7.5))
    degrees = [0, *(int(degree) for degree in rng.choice([1, 3, 4, 5], 4))]
    pads, bells, mix = Mix(), Mix(), Mix()

    for turn, degree in enumerate(degrees):
        for voice, tone in enumerate(close_voicing(key.chord(degree, 4), key.tonic)):
            for cents, pan in ((-7, -0.8), (6, 0.8)):
                detuned = hertz(tone + cents / 100 + float(rng.uniform(-0.02, 0.02)))
                sound = wave(detuned, length * 1.5, saw(14), float(rng.random()))
                pads.add(apply_fade(sound, length * 0.5, length * 0.6), turn * length, 0.22, pan * (1 - voice * 0.15))
    pads.sweep(350, 900, length * 2)

    for cents in (-4, 4):
        drone = wave(hertz(key.tonic - 12 + cents / 100), SECONDS, saw(3))
        mix.add(apply_fade(drone, 3.0, 3.0), 0, 0.3, cents / 8)
    mix.add(noise(rng, SECONDS), 0, 0.05)
    mix.filter("lowpass", 1200, 1)

    time = float(rng.uniform(2, 4))
    for degree in walk(rng, 12, 0, 8, leap=0.5):
        bells.add(bell(hertz(key.pitch(degree) + 24), 3.0, 0.5, (1, 2.0, 3.01)), time, 0.07, float(rng.uniform(-1, 1)))
        time += float(rng.uniform(1.5, 3.0))
    bells.echo(0.65, 0.55, 0.5)

    mix.blend(pads)
    mix.blend(bells)
    mix.reverb(0.9, 5.0, 2500)
    return mix.master(1.5, 2.5)


STYLE = Style(
    slug="ambient",
    description="slow ambient pads over a drone",
    artists=("Halden Mist", "Orrery Nine", "Slow Estuary"),
    albums=("Tidal Rooms", "Quiet Machinery", "Water at Rest"),
    titles=(
        "Lanterns Under Ice",
        "Half a Horizon",
        "The Unhurried Moon",
        "Breath of the Turbine",
        "Silt and Starlight",
        "No Wind Today",
    ),
    compose=compose,
)
