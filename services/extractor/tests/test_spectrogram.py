from __future__ import annotations

import numpy as np
import pytest

from soundalike.extractor import spectrogram
from soundalike.extractor.spectrogram import decibels, fit_length, mel_matrix, window
from soundalike.extractor.tensorflow_network import log_mel

SAMPLES = 348_000


def by_definition(clip: np.ndarray) -> np.ndarray:
    """The decibels [96, 1360] in float64 and without any FFT library's framing."""
    padded = np.concatenate([np.zeros(256), clip.astype(np.float64), np.zeros(256)])
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512))[::-1]
    frames = np.stack([padded[256 * i : 256 * i + 512] * hann for i in range(1360)])
    power = np.abs(np.fft.rfft(frames)) ** 2
    level = 10 * np.log10(np.maximum(power @ mel_matrix().astype(np.float64), 1e-10))
    return np.maximum(level - level.max(), -80).T


def test_it_is_what_its_definition_says() -> None:
    t = np.arange(SAMPLES) / 12_000
    clip = (0.3 * np.sin(2 * np.pi * 1000 * t) + 0.01 * np.random.default_rng(0).standard_normal(SAMPLES)).astype(
        np.float32
    )
    clip[200_000:] *= 0.001
    seen = decibels(clip)
    assert (seen.shape, seen.dtype) == ((96, 1360), np.float32)
    np.testing.assert_allclose(seen, by_definition(clip), atol=0.02)


@pytest.mark.parametrize("level", [0.0, 1e-5, 1.0])
def test_numpy_and_tensorflow_agree(level: float) -> None:
    clip = (level * np.random.default_rng(0).standard_normal(SAMPLES)).astype(np.float32)
    np.testing.assert_allclose(decibels(clip), log_mel()(clip[np.newaxis])[0], atol=1e-3)


def test_rows_are_bands_from_low_to_high_and_columns_are_time() -> None:
    clip = np.zeros(SAMPLES, np.float32)
    t = np.arange(SAMPLES // 2) / 12_000
    clip[: SAMPLES // 2] = np.sin(2 * np.pi * 200 * t)
    clip[SAMPLES // 2 :] = np.sin(2 * np.pi * 4000 * t)
    seen = decibels(clip)
    early, late = seen[:, 100].argmax(), seen[:, 1200].argmax()
    centres = mel_matrix().argmax(axis=0) * 12_000 / 512
    assert centres[early] == pytest.approx(200, abs=40)
    assert centres[late] == pytest.approx(4000, abs=80)


def test_every_clips_loudest_is_0_db_and_nothing_is_below_minus_80() -> None:
    quiet, loud = np.zeros((2, SAMPLES), np.float32)
    quiet[1000], loud[1000] = 1e-3, 1.0
    assert decibels(quiet).max() == decibels(loud).max() == 0.0
    assert decibels(loud).min() == -80.0


def test_a_click_is_in_the_frames_that_hold_it() -> None:
    clip = np.zeros(SAMPLES, np.float32)
    # Frame k begins 256 samples before sample 256 k and is 512 long; the window is largest at its 511 - 256th sample.
    clip[256 * 500 - 1] = 1.0
    frames = np.flatnonzero(decibels(clip).max(axis=0) > -80)
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


def test_no_matrix_product_starts_threads() -> None:
    # OpenBLAS (interface/gemm.c) shares out what has more multiplications than this, and on a busy machine its threads
    # spend ten times as long waiting for each other.
    _, pieces = spectrogram._constants()
    assert len(pieces) == 8
    assert all(filters.size * spectrogram._BLOCK_FRAMES <= 4 * 65_536 for _, _, filters in pieces)


@pytest.mark.parametrize("length", [0, 60_000, SAMPLES, SAMPLES + 12_000])
def test_clips_are_cut_or_filled_with_silence_at_the_end(length: int) -> None:
    clip = np.arange(1, length + 1, dtype=np.float32)
    prepared = fit_length(clip, repeat=False)
    assert prepared.shape == (SAMPLES,)
    length_copied = min(length, SAMPLES)
    np.testing.assert_array_equal(prepared[:length_copied], clip[:length_copied])
    assert not prepared[length_copied:].any()


def test_short_clips_may_be_repeated_instead() -> None:
    clip = np.arange(1, 100_001, dtype=np.float32)
    prepared = fit_length(clip, repeat=True)
    assert prepared.shape == (SAMPLES,)
    np.testing.assert_array_equal(prepared, np.concatenate([clip] * 4)[:SAMPLES])
    assert not fit_length(clip[:0], repeat=True).any()
