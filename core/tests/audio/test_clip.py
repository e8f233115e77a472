from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from soundalike.audio.clip import CUT_KIND, cut
from soundalike.audio.decode import decode
from soundalike.audio.errors import Silent, TooShort
from soundalike.audio.sniff import sniff

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Encode


@pytest.mark.parametrize(
    ("form", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("flac-24", "PCM_24"), ("alac", "PCM_24")]
)
def test_the_extractor_hears_the_same_of_a_cut_as_of_the_file(encode: Encode, form: str, subtype: str) -> None:
    data = encode(form, 70.0)
    piece = cut(data)
    assert sniff(piece) is CUT_KIND
    info = soundfile.info(io.BytesIO(piece))
    assert (info.frames, info.channels, info.subtype) == (30 * info.samplerate, 2, subtype)
    np.testing.assert_array_equal(decode(piece).samples, decode(data).samples)


@pytest.mark.parametrize("form", ["mp3", "ogg", "opus", "m4a", "aac", "webm"])
def test_a_cut_of_a_lossy_file_differs_by_no_more_than_16_bits(encode: Encode, form: str) -> None:
    data = encode(form, 70.0)
    piece = cut(data)
    assert soundfile.info(io.BytesIO(piece)).subtype == "PCM_16"
    assert np.abs(decode(piece).samples - decode(data).samples).max() < 2 / 32_768


def test_a_recording_up_to_35_s_gives_its_first_30(encode: Encode, tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(encode("wav", 34.0))
    piece, _ = soundfile.read(io.BytesIO(cut(file)), dtype="float32")
    whole, _ = soundfile.read(file, dtype="float32")
    np.testing.assert_array_equal(piece, whole[: 30 * 44_100])


def test_peaks_above_full_scale_are_turned_down_and_not_clipped(encode: Encode) -> None:
    wave = 1.5 * np.sin(np.arange(44_100 * 8) / 30)[:, np.newaxis].repeat(2, axis=1)
    piece, _ = soundfile.read(io.BytesIO(cut(encode("wav-float", frames=wave.astype(np.float32)))))
    np.testing.assert_allclose(piece, wave / 1.5, atol=1e-4)


def test_more_channels_than_flac_takes_are_averaged() -> None:
    buffer = io.BytesIO()
    frames = np.linspace(0, 1, 10)[np.newaxis] * np.sin(np.arange(8_000 * 8) / 5)[:, np.newaxis]
    soundfile.write(buffer, frames, 8_000, format="WAV", subtype="PCM_16")
    assert soundfile.info(io.BytesIO(cut(buffer.getvalue()))).channels == 1


def test_what_cannot_be_heard_is_not_cut(encode: Encode) -> None:
    with pytest.raises(TooShort):
        cut(encode("wav", 0.5))
    with pytest.raises(Silent):
        cut(encode("wav", frames=np.zeros((44_100 * 10, 2), np.float32)))
