from __future__ import annotations

import numpy as np
import pytest

from extractor.network import Spectrograph
from extractor.spectrogram import decibels, mel_matrix, prepare, window

SAMPLES = 348_000


@pytest.fixture(scope="module")
def spectrograph() -> Spectrograph:
    return Spectrograph()


def by_definition(clip: np.ndarray) -> np.ndarray:
    """The decibels [96, 1360] in float64 and without any FFT library's framing."""
    padded = np.concatenate([np.zeros(256), clip.astype(np.float64), np.zeros(256)])
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512))[::-1]
    frames = np.stack([padded[256 * i : 256 * i + 512] * hann for i in range(1360)])
    power = np.abs(np.fft.rfft(frames)) ** 2
    level = 10 * np.log10(np.maximum(power @ mel_matrix().astype(np.float64), 1e-10))
    return np.maximum(level - level.max(), -80).T


def test_it_is_what_its_definition_says(spectrograph: Spectrograph) -> None:
    t = np.arange(SAMPLES) / 12_000
    clip = (0.3 * np.sin(2 * np.pi * 1000 * t) + 0.01 * np.random.default_rng(0).standard_normal(SAMPLES)).astype(
        np.float32
    )
    clip[200_000:] *= 0.001
    got = spectrograph(clip[np.newaxis])
    assert got.shape == (1, 96, 1360)
    np.testing.assert_allclose(got[0], by_definition(clip), atol=0.02)
    np.testing.assert_allclose(decibels(clip), by_definition(clip), atol=0.02)


@pytest.mark.parametrize("level", [0.0, 1e-5, 1.0])
def test_numpy_and_tensorflow_see_the_same(spectrograph: Spectrograph, level: float) -> None:
    clip = (level * np.random.default_rng(0).standard_normal(SAMPLES)).astype(np.float32)
    seen = decibels(clip)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, spectrograph(clip[np.newaxis])[0], atol=1e-3)


def test_rows_are_bands_from_low_to_high_and_columns_are_time(spectrograph: Spectrograph) -> None:
    clip = np.zeros(SAMPLES, np.float32)
    t = np.arange(SAMPLES // 2) / 12_000
    clip[: SAMPLES // 2] = np.sin(2 * np.pi * 200 * t)
    clip[SAMPLES // 2 :] = np.sin(2 * np.pi * 4000 * t)
    seen = spectrograph(clip[np.newaxis])[0]
    early, late = seen[:, 100].argmax(), seen[:, 1200].argmax()
    centres = mel_matrix().argmax(axis=0) * 12_000 / 512
    assert centres[early] == pytest.approx(200, abs=40)
    assert centres[late] == pytest.approx(4000, abs=80)


def test_every_clips_loudest_is_0_db_and_nothing_is_below_minus_80(spectrograph: Spectrograph) -> None:
    quiet = np.zeros((2, SAMPLES), np.float32)
    quiet[0, 1000] = 1e-3
    quiet[1, 1000] = 1.0
    seen = spectrograph(quiet)
    assert seen.max(axis=(1, 2)).tolist() == [0.0, 0.0]
    assert seen.min() == -80.0


def test_a_click_is_seen_by_the_frames_that_hold_it(spectrograph: Spectrograph) -> None:
    clip = np.zeros(SAMPLES, np.float32)
    # Frame k begins 256 samples before sample 256 k and is 512 long; the window is largest at its 511 - 256th sample.
    clip[256 * 500 - 1] = 1.0
    frames = np.flatnonzero(spectrograph(clip[np.newaxis])[0].max(axis=0) > -80)
    assert frames.tolist() == [500]


def test_the_window_is_a_periodic_hann_backwards() -> None:
    hann = window()
    assert hann[-1] == 0
    assert hann[0] == pytest.approx(0.5 - 0.5 * np.cos(2 * np.pi * 511 / 512), abs=1e-7)
    assert hann.argmax() == 255


def test_the_bands_cover_0_to_6000_hz_with_slaneys_areas() -> None:
    bank = mel_matrix()
    assert bank.shape == (257, 96)
    assert (bank.max(axis=0) > 0).all()
    # Area-normalised triangles integrate to one over frequency, wide bands most exactly.
    np.testing.assert_allclose(bank[:, 60:].sum(axis=0) * 12_000 / 512, 1.0, rtol=0.05)


def test_the_bands_are_those_of_librosa() -> None:
    from librosa.filters import mel

    bank = mel(sr=12_000, n_fft=512, n_mels=96, fmin=0, fmax=6000, htk=False, norm="slaney")
    np.testing.assert_allclose(mel_matrix(), bank.T, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("length", [0, 60_000, SAMPLES, SAMPLES + 12_000])
def test_clips_are_cut_or_filled_with_silence_at_the_end(length: int) -> None:
    clip = np.arange(1, length + 1, dtype=np.float32)
    prepared = prepare(clip, repeat=False)
    assert prepared.shape == (SAMPLES,)
    kept = min(length, SAMPLES)
    np.testing.assert_array_equal(prepared[:kept], clip[:kept])
    assert not prepared[kept:].any()


def test_short_clips_may_be_repeated_instead() -> None:
    clip = np.arange(1, 100_001, dtype=np.float32)
    prepared = prepare(clip, repeat=True)
    assert prepared.shape == (SAMPLES,)
    np.testing.assert_array_equal(prepared, np.concatenate([clip] * 4)[:SAMPLES])
    assert not prepare(clip[:0], repeat=True).any()
