from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from soundalike.audio.clip import CLIP_KIND, encode_clip
from soundalike.audio.decode import decode
from soundalike.audio.errors import Silent, TooShort
from soundalike.audio.sniff import sniff

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Encode


@pytest.mark.parametrize(
    ("form", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("flac-24", "PCM_24"), ("alac", "PCM_24")]
)
def test_a_clip_decodes_to_the_samples_of_the_file(encode: Encode, form: str, subtype: str) -> None:
    data = encode(form, 70.0)
    clip = encode_clip(data)
    assert sniff(clip) is CLIP_KIND
    info = soundfile.info(io.BytesIO(clip))
    assert (info.frames, info.channels, info.subtype) == (30 * info.samplerate, 2, subtype)
    np.testing.assert_array_equal(decode(clip).samples, decode(data).samples)


@pytest.mark.parametrize("form", ["mp3", "ogg", "opus", "m4a", "aac", "webm"])
def test_a_clip_of_a_lossy_file_differs_by_no_more_than_16_bits(encode: Encode, form: str) -> None:
    data = encode(form, 70.0)
    clip = encode_clip(data)
    assert soundfile.info(io.BytesIO(clip)).subtype == "PCM_16"
    assert np.abs(decode(clip).samples - decode(data).samples).max() < 2 / 32_768


def test_a_recording_up_to_35_s_gives_its_first_30(encode: Encode, tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(encode("wav", 34.0))
    clip, _ = soundfile.read(io.BytesIO(encode_clip(file)), dtype="float32")
    whole, _ = soundfile.read(file, dtype="float32")
    np.testing.assert_array_equal(clip, whole[: 30 * 44_100])


def test_peaks_above_full_scale_are_turned_down_and_not_clipped(encode: Encode) -> None:
    wave = 1.5 * np.sin(np.arange(44_100 * 8) / 30)[:, np.newaxis].repeat(2, axis=1)
    clip, _ = soundfile.read(io.BytesIO(encode_clip(encode("wav-float", frames=wave.astype(np.float32)))))
    np.testing.assert_allclose(clip, wave / 1.5, atol=1e-4)


def test_more_channels_than_flac_takes_are_averaged() -> None:
    buffer = io.BytesIO()
    frames = np.linspace(0, 1, 10)[np.newaxis] * np.sin(np.arange(8_000 * 8) / 5)[:, np.newaxis]
    soundfile.write(buffer, frames, 8_000, format="WAV", subtype="PCM_16")
    assert soundfile.info(io.BytesIO(encode_clip(buffer.getvalue()))).channels == 1


def test_short_and_silent_files_give_no_clip(encode: Encode) -> None:
    with pytest.raises(TooShort):
        encode_clip(encode("wav", 0.5))
    with pytest.raises(Silent):
        encode_clip(encode("wav", frames=np.zeros((44_100 * 10, 2), np.float32)))
