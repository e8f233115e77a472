"""Rock: distorted power chords in chugging eighths, loud cymbals, a backbeat and a screaming lead."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import Signal, apply_fade, clock, cymbal, decay, kick, saw, snare, wave
from soundalike.sandbox.theory import SCALES, Key, Meter, hertz, walk

_RIFFS = ((0, 0, 3, 5), (0, 5, 3, 10), (0, 3, 8, 10), (0, 10, 8, 5))


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(112, 122)))
    tonic = float(rng.integers(38, 43))
    riff = _RIFFS[int(rng.integers(len(_RIFFS)))]
    lead = Key(tonic + 36, SCALES["minor pentatonic"])
    eighth = meter.beat / 2
    drums, rhythm, solo, mix = Mix(), Mix(), Mix(), Mix()

    thud, crack = kick(0.25, 160, 60, 0.05), snare(rng, 0.3, 190, 0.07, 900)
    hat, crash = cymbal(rng, 0.6, 0.2, 4000), cymbal(rng, 2.5, 0.6, 3500)
    chords: dict[tuple[float, bool], Signal] = {}

    def chord(root: float, muted: bool) -> Signal:
        if (root, muted) not in chords:
            seconds = eighth if muted else eighth * 2
            strings = sum(wave(hertz(root + tone), seconds, saw(40)) for tone in (0, 7, 12.06))
            chords[root, muted] = apply_fade(strings * decay(seconds, 0.07 if muted else 1.5), 0.002, 0.01)
        return chords[root, muted]

    accents = rng.random(8) < 0.3
    accents[0] = True
    for bar in range(meter.bars(SECONDS)):
        root = tonic + riff[bar % 4]
        if bar % 4 == 0:
            drums.add(crash, meter.at(bar), 1.2, 0.4)
        for step in range(8):
            time = meter.at(bar, step / 2)
            rhythm.add(chord(root, not accents[step]), time, 0.8, -0.5)
            rhythm.add(chord(root, not accents[step]), time + 0.012, 0.8, 0.5)
            drums.add(hat, time, 0.8, 0.3)
            if step % 4 == 2:
                drums.add(crack, time, 0.9)
            elif step % 4 == 0 or (accents[step] and step % 2):
                drums.add(thud, time, 1.0)
            mix.add(apply_fade(wave(hertz(root - 12), eighth * 0.95, saw(8))), time, 0.25)
    rhythm.drive(9.0)

    time = meter.bar * 4
    for degree in walk(rng, 90, 0, 8, leap=0.35):
        seconds = eighth * float(rng.choice([1, 1, 2, 3]))
        vibrato = 1 + 0.008 * np.sin(np.float32(2 * np.pi * 5.5) * clock(seconds))
        solo.add(
            apply_fade(wave(np.float32(hertz(lead.pitch(degree) - 12)) * vibrato, seconds, saw(20))), time, 0.5, 0.1
        )
        time += seconds
    solo.drive(4.0)
    solo.echo(meter.beat * 0.75, 0.4, 0.3)

    mix.blend(rhythm, 0.32)
    mix.blend(solo, 0.17)
    mix.filter("lowpass", 5500)
    mix.blend(drums, 0.8)
    mix.reverb(0.2, 0.8, 6000)
    return mix.master(0.01, 0.8)


STYLE = Style(
    slug="rock",
    description="heavy rock with distorted power chords",
    artists=("Iron Allotment", "Sledge Choir", "The Overdrawn"),
    albums=("Feedback Season", "Amplifier Weather", "Debt and Thunder"),
    titles=(
        "Tear Down the Car Park",
        "Furnace Heart",
        "Louder Than the Landlord",
        "Anvil Parade",
        "Black Ice Motorway",
        "Nothing Left to Tune",
    ),
    compose=compose,
)
