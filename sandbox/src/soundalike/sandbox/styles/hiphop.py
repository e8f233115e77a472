"""Hip-hop: half-time drums with swung hats, a sub bass, mellow seventh chords and the crackle of a record."""

import numpy as np

from soundalike.sandbox.mixer import SECONDS, Mix, Stereo
from soundalike.sandbox.styles.style import Style
from soundalike.sandbox.synthesis import (
    apply_fade,
    apply_filter,
    clock,
    cymbal,
    decay,
    frames,
    kick,
    noise,
    snare,
    wave,
)
from soundalike.sandbox.theory import SCALES, Key, Meter, close_voicing, hertz, walk

_PROGRESSIONS = ((0, 3, 5, 4), (0, 5, 3, 6), (3, 4, 0, 0), (0, 2, 5, 4))
_SINE = np.array([1.0, 0.12], dtype=np.float32)
_REED = np.array([1.0, 0.5, 0.12, 0.2, 0.05], dtype=np.float32)


def compose(rng: np.random.Generator) -> Stereo:
    """Compose one piece."""
    meter = Meter(float(rng.integers(74, 83)))
    key = Key(float(rng.integers(57, 62)), SCALES[str(rng.choice(["dorian", "minor"]))])
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    drums, keys, mix = Mix(), Mix(), Mix()

    thud, crack = kick(0.35, 120, 50, 0.09), snare(rng, 0.25, 180, 0.05, 1500)
    tick = cymbal(rng, 0.07, 0.015, 6000)
    kicks = [0.0, *(float(beat) for beat in rng.choice([0.75, 1.5, 2.5, 2.75, 3.5], 2, replace=False))]
    melody = iter(walk(rng, 200, 2, 9, leap=0.3))

    for bar in range(meter.bars(SECONDS)):
        degree = progression[bar % 4]
        for beat in kicks:
            drums.add(thud, meter.at(bar, beat), 1.0)
            seconds = meter.beat * 0.9
            glide = np.float32(hertz(key.pitch(degree) - 24)) * (1 + 0.12 * decay(seconds, 0.02))
            mix.add(apply_fade(wave(glide, seconds, _SINE), 0.01, 0.08), meter.at(bar, beat), 0.75)
        drums.add(crack, meter.at(bar, 1), 0.55)
        drums.add(crack, meter.at(bar, 3), 0.55)
        for step in range(8):
            swung = 0.08 if step % 2 else 0.0
            drums.add(tick, meter.at(bar, step / 2 + swung), 0.3 if step % 2 else 0.4, 0.25)
        tremolo = 1 + 0.25 * np.sin(np.float32(2 * np.pi * 4.5) * clock(meter.bar))
        for voice, tone in enumerate(close_voicing(key.chord(degree, 4), key.tonic - 5)):
            sound = wave(hertz(tone), meter.bar, _REED) * decay(meter.bar, 0.9) * tremolo
            keys.add(apply_fade(sound, 0.01, 0.1), meter.at(bar), 0.3, 0.4 * (voice - 1.5))
        for beat in (0.5, 1.5, 2.0, 3.25):
            tone = key.pitch(next(melody))
            if rng.random() < 0.5:
                keys.add(apply_fade(wave(hertz(tone), 0.5, _REED) * decay(0.5, 0.15)), meter.at(bar, beat), 0.3, -0.3)
    keys.filter("lowpass", 1600)
    keys.reverb(0.25, 1.0, 2000)

    crackle = np.zeros(frames(SECONDS), dtype=np.float32)
    crackle[rng.integers(0, len(crackle), int(18 * SECONDS))] = rng.uniform(-1, 1, int(18 * SECONDS))
    surface = apply_filter(crackle, "bandpass", (800, 5000), 1) + apply_filter(
        noise(rng, SECONDS), "lowpass", 3000
    ) * np.float32(0.03)

    mix.blend(keys, 0.9)
    mix.blend(drums, 0.7)
    mix.add(surface, 0, 0.6)
    mix.filter("lowpass", 9000, 1)
    return mix.master(0.05, 1.0)


STYLE = Style(
    slug="hiphop",
    description="half-time hip-hop with sub bass and vinyl noise",
    artists=("Moss Tape", "DJ Left Luggage", "Auntie Crates"),
    albums=("Dusty Errands", "Basement Postcards", "Side C"),
    titles=(
        "Corner Shop Sunday",
        "Steam on the Window",
        "Nine Quid Left",
        "Night Bus Notebook",
        "Cassette for Nobody",
        "Pigeons on the Balcony",
    ),
    compose=compose,
)
