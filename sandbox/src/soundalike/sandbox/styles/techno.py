"""Techno: four bass drums to the bar, open hats between them, an acid line in sixteenths and dark stabs."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import apply_fade, cymbal, decay, kick, pulse, saw, snare, wave
from soundalike.sandbox.theory import SCALES, Key, Meter, hertz, walk


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(132, 141)))
    key = Key(float(rng.integers(33, 37)), SCALES[str(rng.choice(["phrygian", "minor"]))])
    sixteenth = meter.beat / 4
    bars = meter.bars(SECONDS)
    drums, acid, stabs, mix = Mix(), Mix(), Mix(), Mix()

    thud = kick(0.3, 190, 48, 0.07)
    tick, open_hat = cymbal(rng, 0.06, 0.012, 7500), cymbal(rng, 0.2, 0.05, 6500)
    clap = snare(rng, 0.2, 320, 0.04, 1200)
    beats = [meter.at(bar, beat) for bar in range(bars) for beat in range(4)]
    for number, time in enumerate(beats):
        drums.add(thud, time, 1.0)
        drums.add(open_hat, time + meter.beat / 2, 1.0, 0.2)
        for step in (0, 1, 3):
            drums.add(tick, time + step * sixteenth, 0.7, -0.3)
        if number % 2:
            drums.add(clap, time, 0.8)

    line = walk(rng, 16, 0, 7, leap=0.5)
    sounding = np.isin(np.arange(16), rng.choice(16, 13, replace=False))
    accent = np.isin(np.arange(16), rng.choice(16, 5, replace=False))
    notes = [
        apply_fade(wave(hertz(key.pitch(degree)), sixteenth * 0.95, saw(60)) * decay(sixteenth * 0.95, 0.06))
        for degree in line
    ]
    for bar in range(bars):
        for step in range(16):
            if sounding[step]:
                acid.add(notes[step], meter.at(bar, step / 4), 0.75 if accent[step] else 0.5)
    acid.drive(2.0)
    acid.sweep(500, 5000, meter.bar * 8, float(rng.uniform(0, 6)))

    rhythm = sorted(rng.choice(16, 3, replace=False))
    for bar in range(bars):
        degree = 0 if bar % 4 < 3 else int(rng.choice([1, 5, 6]))
        for tone in key.chord(degree):
            sound = wave(hertz(tone + 24), 0.18, pulse(0.3, 30)) * decay(0.18, 0.05)
            for step in rhythm:
                stabs.add(apply_fade(sound), meter.at(bar, step / 4), 0.2)
    stabs.echo(meter.beat * 0.75, 0.5, 0.5)
    stabs.duck(beats, 0.7, meter.beat * 0.6)

    mix.blend(acid, 0.6)
    mix.blend(stabs, 0.8)
    mix.reverb(0.25, 1.2, 5000)
    mix.blend(drums, 0.9)
    return mix.master(0.02, 0.6)


STYLE = Style(
    slug="techno",
    description="fast four-on-the-floor techno",
    artists=("Kontur 88", "Voltage Parade", "Nachtschicht Ost"),
    albums=("Strobe Logic", "Concrete Pulse", "Track and Relay"),
    titles=(
        "Copper Corridor",
        "Shift Register",
        "Basement Sunrise",
        "Ninety Kilovolts",
        "Platform Seven, 4 a.m.",
        "Load-Bearing",
    ),
    compose=compose,
)
