from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import soundfile

from soundalike.audio.decode import decode
from soundalike.audio.errors import NotAudio
from soundalike.research.evaluation.distortions import (
    DISTORTIONS,
    LOUDER,
    QUIETER,
    REENCODED,
    SHIFTED,
    amplify,
    distorted_excerpts,
    encode_mp3,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def sweep(path: Path, seconds: float, *, level: float = 0.4, rate: int = 44_100, channels: int = 2) -> Path:
    time = np.arange(int(seconds * rate)) / rate
    mono = level * np.sin(2 * np.pi * (200 + 10 * time) * time)
    soundfile.write(path, np.repeat(mono[:, np.newaxis], channels, axis=1), rate, subtype="FLOAT")
    return path


def test_every_version_is_heard_as_long_as_the_original(tmp_path: Path) -> None:
    changed = distorted_excerpts(sweep(tmp_path / "long.wav", 130, rate=12_000))
    assert set(changed) == set(DISTORTIONS)
    for excerpts in changed.values():
        assert excerpts is not None
        assert [len(samples) for samples in excerpts] == 3 * [29 * 12_000]


def version(changed: dict[str, list[NDArray[np.float32]] | None], name: str) -> NDArray[np.float32]:
    """The only excerpt of a version."""
    excerpts = changed[name]
    assert excerpts is not None
    (samples,) = excerpts
    return samples


def test_levels_change_by_six_decibels(tmp_path: Path) -> None:
    file = sweep(tmp_path / "quiet.wav", 30)
    original, changed = decode(file).samples, distorted_excerpts(file)
    assert version(changed, QUIETER) == pytest.approx(original / 1.995262, abs=1e-4)
    assert version(changed, LOUDER) == pytest.approx(original * 1.995262, abs=1e-4)


def test_what_passes_full_scale_is_clipped() -> None:
    assert amplify(np.array([0.9, -0.9, 0.1], dtype=np.float32), 6.0) == pytest.approx([1.0, -1.0, 0.1995262])


def test_the_shifted_version_starts_five_seconds_later(tmp_path: Path) -> None:
    file = sweep(tmp_path / "long.wav", 60)
    original, shifted = decode(file).samples, version(distorted_excerpts(file), SHIFTED)
    overlap = 24 * 12_000
    # The ends of an excerpt differ by the resampler's run-up.
    assert shifted[100 : overlap - 100] == pytest.approx(original[60_100 : 60_000 + overlap - 100], abs=1e-3)


def test_the_shifted_version_of_a_preview_is_what_is_left_of_it(tmp_path: Path) -> None:
    shifted = version(distorted_excerpts(sweep(tmp_path / "preview.wav", 30)), SHIFTED)
    assert len(shifted) == 25 * 12_000


def test_a_short_recording_has_no_shifted_version(tmp_path: Path) -> None:
    changed = distorted_excerpts(sweep(tmp_path / "short.wav", 9))
    assert changed[SHIFTED] is None
    assert changed[REENCODED] is not None


def test_the_encoder_keeps_to_its_bits_and_the_sound_survives(tmp_path: Path) -> None:
    file = sweep(tmp_path / "tone.wav", 30)
    frames = soundfile.read(file, dtype="float32")[0]
    content = encode_mp3(frames, 44_100)
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("mp3float", 44_100, 2)
    assert len(content) * 8 / 30 == pytest.approx(64_000, rel=0.02)
    distorted, original = version(distorted_excerpts(file), REENCODED), decode(file).samples
    assert np.corrcoef(np.abs(np.fft.rfft(distorted)), np.abs(np.fft.rfft(original)))[0, 1] > 0.99
    assert not np.array_equal(distorted, original)


@pytest.mark.parametrize(("rate", "channels"), [(22_050, 1), (48_000, 2), (96_000, 4)])
def test_any_rate_and_channels_are_encoded(tmp_path: Path, rate: int, channels: int) -> None:
    distorted = version(distorted_excerpts(sweep(tmp_path / "odd.wav", 10, rate=rate, channels=channels)), REENCODED)
    assert len(distorted) == pytest.approx(10 * 12_000, abs=1_500)


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("no music")
    with pytest.raises(NotAudio):
        distorted_excerpts(tmp_path / "text.mp3")
