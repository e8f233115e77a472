"""Chiptune: pulse waves in fast arpeggios, a triangle bass and a noise channel, without any room."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import Signal, apply_fade, decay, frames, noise, pulse, wave
from soundalike.sandbox.theory import SCALES, Key, Meter, close_voicing, hertz, walk

_PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (3, 4, 0, 5), (0, 2, 3, 4))
_TRIANGLE = np.array([(-1) ** (n // 2) / n**2 if n % 2 else 0 for n in range(1, 32)], dtype=np.float32)


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(150, 164)))
    key = Key(float(rng.integers(60, 66)), SCALES[str(rng.choice(["major", "mixolydian"]))])
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    lead_duty = float(rng.choice([0.25, 0.5]))
    mix = Mix()
    beeps: dict[tuple[float, float, float], Signal] = {}

    def beep(midi: float, seconds: float, duty: float) -> Signal:
        if (midi, seconds, duty) not in beeps:
            beeps[midi, seconds, duty] = apply_fade(wave(hertz(midi), seconds, pulse(duty)), 0.001, 0.004)
        return beeps[midi, seconds, duty]

    # A noise channel holds each random value for a few samples, which colours it.
    coarse = np.repeat(noise(rng, 0.04), 3)
    tick, crash = coarse[: frames(0.03)], coarse[: frames(0.11)] * decay(0.11, 0.03)
    eighth, fast = meter.beat / 2, meter.beat / 8
    rhythm = rng.random(16) < 0.75
    rhythm[0] = True

    for bar in range(meter.bars(SECONDS)):
        if bar % 4 == 0:
            melody = walk(rng, 64, 5, 13, leap=0.3)
        degree = progression[bar % 4]
        chord = close_voicing(key.chord(degree), key.tonic + 7)
        for step in range(32):
            tone = chord[step % 3] + 12 * (step // 3 % 2)
            mix.add(beep(tone, fast, 0.125), meter.at(bar, step / 8), 0.22, -0.35)
        for step in range(8):
            low = key.pitch(degree) - 24 + 12 * (step % 2)
            mix.add(apply_fade(wave(hertz(low), eighth * 0.9, _TRIANGLE)), meter.at(bar, step / 2), 0.5)
            mix.add(crash if step % 4 == 2 else tick, meter.at(bar, step / 2), 0.4 if step % 4 == 2 else 0.2)
            if rhythm[step + 8 * (bar % 2)]:
                pitch = key.pitch(melody[(bar % 4) * 8 + step])
                mix.add(beep(pitch, eighth * 0.85, lead_duty), meter.at(bar, step / 2), 0.33, 0.35)

    return mix.master(0.005, 0.4)


STYLE = Style(
    slug="chiptune",
    description="chiptune arpeggios of square waves",
    artists=("Bitfox", "Cartridge Kid", "Sprite Ministry"),
    albums=("Insert Token", "Save Point", "Eight Lives Left"),
    titles=(
        "Level Select",
        "Jump, Then Think",
        "Pixel Orchard",
        "Boss with a Heart",
        "Coins All the Way Down",
        "High Score Lullaby",
    ),
    compose=compose,
)
