from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr

from soundalike.audio.decode import SILENCE_RMS, decode
from soundalike.audio.errors import NotAudio, PermanentAudioError, Silent, TooShort, Truncated, Undecodable
from soundalike.audio.excerpt import RATE

from .audio_forms import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Encode
    from numpy.typing import NDArray

# Encoders put some hundredths of a second in front of the music, and not every container says how much.
SLACK_SECONDS = {
    "webm": 0.02,
    "aac": 0.1,
    "mp2": 0.02,
    "wma": 0.05,
    "ac3": 0.01,
    "eac3": 0.01,
    "realaudio": 0.01,
    "mp3-in-wav": 0.2,
    "flv": 0.03,
    "dsf": 0.01,
    "mpeg-ps": 0.02,
    "mpeg-ts": 0.02,
}


def chirp_at(start: float, seconds: float) -> NDArray[np.float32]:
    """The mean of the two channels of `audio_forms.chirp`, computed at 12 kHz."""
    t = start + np.arange(round(seconds * RATE)) / RATE
    left = 0.4 * np.sin(2 * np.pi * (200 * t + 20 * t**2))
    right = 0.2 * np.sin(2 * np.pi * (300 * t + 15 * t**2))
    return ((left + right) / 2).astype(np.float32)


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("seconds", "starts"), [(31.0, (0.0,)), (80.0, (1.5, 25.5, 49.5))])
def test_every_form_gives_the_right_excerpts(
    encode: Encode, form: str, seconds: float, starts: tuple[float, ...]
) -> None:
    excerpts = decode(encode(form, seconds))
    assert excerpts.rate == RATE
    assert excerpts.samples.dtype == np.float32
    assert excerpts.lengths == len(starts) * (29 * RATE,)
    assert excerpts.seconds == 29 * len(starts)
    assert excerpts.seconds_total == pytest.approx(seconds, abs=max(0.2, 0.003 * seconds))
    for samples, start in zip(excerpts.separate(), starts, strict=True):
        # The middle second: a shift by one sample turns the tone (at up to 3 kHz) by a quarter of its period.
        second = samples[14 * RATE : 15 * RATE]
        slack = round(SLACK_SECONDS.get(form, 0.0) * RATE) + (1 if start else 0)
        # Containers that count in milliseconds begin between two samples, and the tone has risen to 3 kHz.
        expected = [
            chirp_at(start + 14 - (slack - part) / RATE, 1 + 2 * slack / RATE) for part in (0.0, 0.25, 0.5, 0.75)
        ]
        assert max(cosine(second, each[i : i + RATE]) for each in expected for i in range(2 * slack + 1)) > 0.95


def test_a_path_is_the_same_as_its_content(encode: Encode, tmp_path: Path) -> None:
    file = tmp_path / "named wrongly.txt"
    file.write_bytes(encode("mp3"))
    np.testing.assert_array_equal(decode(file).samples, decode(encode("mp3")).samples)


def test_a_missing_path_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "nothing.mp3")


@pytest.mark.parametrize("form", ["wav", "alac"])
def test_channels_are_averaged_before_the_resampling(encode: Encode, form: str) -> None:
    one_side = np.zeros((44_100 * 8, 2), np.float32)
    one_side[:, 0] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(one_side)) / 44_100)
    samples = decode(encode(form, frames=one_side)).samples
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.25 / np.sqrt(2), rel=1e-3)


def test_a_lossless_file_gives_exactly_what_soxr_makes_of_its_mean(encode: Encode) -> None:
    data = encode("flac", 70.0)
    frames, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    for samples, start in zip(decode(data).separate(), (0.0, 20.5, 41.0), strict=True):
        first = round(start * rate)
        mono = frames[first : first + 30 * rate].mean(axis=1, dtype=np.float32)
        expected = soxr.resample(mono, rate, 12_000, quality="HQ")[: 29 * RATE]
        np.testing.assert_array_equal(samples, expected)


def test_12_khz_mono_passes_unchanged(tmp_path: Path) -> None:
    tone = (0.3 * np.sin(np.arange(29 * RATE) / 9)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", tone, RATE, subtype="FLOAT")
    np.testing.assert_array_equal(decode(tmp_path / "a.wav").samples, tone)


def test_a_recording_shorter_than_the_excerpt_is_not_filled_up(encode: Encode) -> None:
    excerpt = decode(encode("wav", 12.0))
    assert excerpt.seconds == pytest.approx(12.0)
    assert excerpt.seconds_total == pytest.approx(12.0)


def test_an_mp3_of_varying_rate_without_a_header_is_decoded_in_its_true_places() -> None:
    # 30 s of noise (large frames), then 60 s of a quiet tone (small ones): the first frames promise far less music.
    rng = np.random.default_rng(0)
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(44_100 * 90) / 44_100)
    tone[: 44_100 * 30] += 0.2 * rng.standard_normal(44_100 * 30)
    buffer = io.BytesIO()
    soundfile.write(
        buffer, tone, 44_100, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.5
    )
    data = buffer.getvalue()
    bare = data[data.index(b"\xff\xfb", 10) :]
    excerpts = decode(bare)
    assert excerpts.seconds_total == pytest.approx(90.0, abs=0.1)
    assert excerpts.lengths == 3 * (29 * RATE,)
    noise, middle, end = map(np.std, excerpts.separate())
    assert noise > 1.5 * middle
    assert [middle, end] == pytest.approx([0.1 / np.sqrt(2)] * 2, rel=0.01)


@pytest.mark.parametrize("form", ["mp3", "wav", "flac", "aiff", "webm"])
def test_a_file_copied_by_half_is_refused(encode: Encode, form: str) -> None:
    data = encode(form, 40.0)
    with pytest.raises(PermanentAudioError) as caught:
        decode(data[: len(data) // 2])
    assert isinstance(caught.value, Truncated), caught.value
    assert "declares 40.0 s" in str(caught.value)


@pytest.mark.parametrize("form", ["wav", "flac", "aiff"])
@pytest.mark.parametrize(("share", "start", "at_least"), [(0.32, 25.5, 29.0), (0.08, 0.0, 12.0)])
def test_the_beginning_of_a_file_is_enough_where_that_is_accepted(
    encode: Encode, form: str, share: float, start: float, at_least: float
) -> None:
    data = encode(form, 200.0)
    beginning = data[: round(share * len(data))]
    with pytest.raises(Truncated):
        decode(beginning)
    (samples,) = decode(beginning, accepts_beginning=True).separate()
    assert at_least * RATE <= len(samples) <= 29 * RATE
    # FFmpeg seeks to within a sample or two.
    assert cosine(samples[RATE:-RATE], chirp_at(start, len(samples) / RATE)[RATE:-RATE]) > 0.95


def test_a_beginning_that_is_too_short_is_refused(encode: Encode) -> None:
    data = encode("wav", 200.0)
    with pytest.raises(Truncated, match=r"declares 200\.0 s"):
        decode(data[: len(data) // 40], accepts_beginning=True)


def test_an_rf64_copied_by_half_is_refused() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.sin(np.arange(8_000 * 40) / 5), 8_000, format="RF64", subtype="PCM_16")
    with pytest.raises(Truncated, match=r"declares 40\.0 s"):
        decode(buffer.getvalue()[: 8_000 * 40])


def test_an_unknown_codec_is_undecodable() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.sin(np.arange(8_000 * 10) / 5), 8_000, format="WAV", subtype="PCM_16")
    data = bytearray(buffer.getvalue())
    data[20:22] = struct.pack("<H", 0x4242)
    with pytest.raises(Undecodable, match="audio codec"):
        decode(bytes(data))


def test_an_m4a_copied_by_half_lacks_its_index(encode: Encode) -> None:
    data = encode("m4a", 40.0)
    with pytest.raises(Undecodable, match="m4a"):
        decode(data[: len(data) // 2])


def test_a_half_mp3_that_declares_no_length_is_just_shorter(encode: Encode) -> None:
    data = encode("mp3", 40.0)
    bare = data[data.index(b"\xff\xfb", 10) :]
    assert decode(bare[: len(bare) // 2]).seconds_total == pytest.approx(20.0, abs=1.0)


def test_damage_in_the_middle_does_not_lose_the_rest(encode: Encode) -> None:
    data = bytearray(encode("m4a", 31.0))
    middle = len(data) // 2
    data[middle : middle + 2000] = np.random.default_rng(0).bytes(2000)
    assert decode(bytes(data)).seconds > 0.95 * 29


def test_a_streamed_wav_without_its_length_is_decoded(encode: Encode) -> None:
    data = bytearray(encode("wav", 10.0))
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = struct.pack("<I", 0xFFFF_FFFF)
    assert decode(bytes(data)).seconds == pytest.approx(10.0, abs=0.01)


@pytest.mark.parametrize("form", ["wav", "mp3", "m4a", "opus"])
def test_half_a_second_is_too_short(encode: Encode, form: str) -> None:
    with pytest.raises(TooShort, match=r"0\.[456] s long; at least 7 s"):
        decode(encode(form, 0.5))


@pytest.mark.parametrize("form", ["wav", "mp3"])
def test_silence_is_refused(encode: Encode, form: str) -> None:
    with pytest.raises(Silent, match="silent"):
        decode(encode(form, frames=np.zeros((44_100 * 10, 2), np.float32)))


def test_quiet_is_not_silent(encode: Encode) -> None:
    loud = np.sin(np.arange(44_100 * 10) / 20)[:, np.newaxis].repeat(2, axis=1)
    frames = (3 * SILENCE_RMS * loud).astype(np.float32)
    assert decode(encode("wav-float", frames=frames)).seconds == 10


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(encode: Encode, poison: float) -> None:
    frames = np.full((44_100 * 10, 2), 0.1, np.float32)
    frames[44_100] = poison
    with pytest.raises(Undecodable, match="finite"):
        decode(encode("wav-float", frames=frames))


def test_an_empty_file_is_reported_as_empty() -> None:
    with pytest.raises(NotAudio, match="empty"):
        decode(b"")


def test_what_is_no_audio_is_refused_and_never_guessed_at() -> None:
    with pytest.raises(NotAudio, match="mp3, m4a"):
        decode(b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n")


@pytest.mark.parametrize(
    "head", [b"fLaC", b"OggS", b"RIFF\x00\x00\x00\x00WAVE", b"\x00\x00\x00\x20ftypM4A ", b"\x1aE\xdf\xa3"]
)
def test_a_good_beginning_with_nothing_behind_it_is_undecodable(head: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(head + bytes(3000))


@pytest.mark.parametrize(("rate", "what"), [(1_000, "sample rate"), (3_000_000, "sample rate")])
def test_absurd_rates_are_refused(rate: int, what: str) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.full(rate // 100, 0.1), rate, format="WAV")
    with pytest.raises(Undecodable, match=what):
        decode(buffer.getvalue())


def test_absurdly_many_channels_are_refused() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.full((8_000, 40), 0.1), 8_000, format="WAV")
    with pytest.raises(Undecodable, match="40 channels"):
        decode(buffer.getvalue())
