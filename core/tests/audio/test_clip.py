from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import soundfile

from soundalike.audio.clip import CLIP_KIND, encode_clip
from soundalike.audio.decode import decode
from soundalike.audio.errors import Silent, TooShort, Undecodable
from soundalike.audio.excerpt import RATE
from soundalike.audio.sniff import sniff

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Encode

    from soundalike.audio.excerpt import AudioExcerpts


def assert_same(excerpts: AudioExcerpts, others: AudioExcerpts) -> None:
    np.testing.assert_array_equal(excerpts.samples, others.samples)
    assert (excerpts.lengths, excerpts.rate, excerpts.seconds_total) == (
        others.lengths,
        others.rate,
        others.seconds_total,
    )


@pytest.mark.parametrize("form", ["wav", "flac-24", "mp3", "m4a"])
@pytest.mark.parametrize(("seconds", "count"), [(31.0, 1), (70.0, 3)])
def test_a_clip_decodes_to_exactly_what_the_file_decodes_to(
    encode: Encode, form: str, seconds: float, count: int
) -> None:
    data = encode(form, seconds)
    clip = encode_clip(data)
    assert sniff(clip) is CLIP_KIND
    assert_same(decode(clip), decode(data))
    assert len(decode(clip).lengths) == count
    # The clip of a clip is the clip.
    assert encode_clip(clip) == clip


def test_any_player_plays_a_clip(encode: Encode) -> None:
    clip = encode_clip(encode("wav", 70.0))
    samples = decode(clip).samples
    played, rate = soundfile.read(io.BytesIO(clip), dtype="float32")
    assert rate == RATE
    np.testing.assert_array_equal(played, samples)
    with av.open(io.BytesIO(clip)) as container:
        assert container.duration == 1_000_000 * len(samples) // RATE


def test_the_mark_and_not_the_length_makes_a_clip(encode: Encode, tmp_path: Path) -> None:
    clip = encode_clip(encode("wav", 70.0))
    samples, rate = soundfile.read(io.BytesIO(clip), dtype="float32")
    soundfile.write(tmp_path / "plain.wav", samples, rate, subtype="FLOAT")
    plain = decode(tmp_path / "plain.wav")
    assert plain.lengths == decode(clip).lengths
    assert not np.array_equal(plain.samples, samples)


def test_peaks_above_full_scale_are_not_clipped(encode: Encode) -> None:
    wave = 1.5 * np.sin(np.arange(44_100 * 8) / 30)[:, np.newaxis].repeat(2, axis=1)
    data = encode("wav-float", frames=wave.astype(np.float32))
    assert_same(decode(encode_clip(data)), decode(data))
    assert decode(data).samples.max() > 1.4


@pytest.mark.parametrize(("segment", "start", "seconds"), [((10_500, 45_500), 10.5, 29), ((62_000, 99_000), 62, 8)])
def test_a_segment_is_cut_like_a_file_of_its_own(
    encode: Encode, segment: tuple[int, int], start: float, seconds: float
) -> None:
    data = encode("wav", 70.0)
    frames, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    buffer = io.BytesIO()
    soundfile.write(buffer, frames[round(start * rate) : segment[1] * rate // 1000], rate, format="WAV")
    clip = encode_clip(data, segment=segment)
    assert_same(decode(clip), decode(buffer.getvalue()))
    assert decode(clip).seconds == pytest.approx(seconds)


def test_a_segment_behind_the_end_is_refused(encode: Encode) -> None:
    with pytest.raises(TooShort, match="ends before"):
        encode_clip(encode("wav", 12.0), segment=(20_000, 60_000))


def test_short_and_silent_files_give_no_clip(encode: Encode) -> None:
    with pytest.raises(TooShort):
        encode_clip(encode("wav", 0.5))
    with pytest.raises(Silent):
        encode_clip(encode("wav", frames=np.zeros((44_100 * 10, 2), np.float32)))


def test_damaged_clips_are_refused(encode: Encode) -> None:
    clip = encode_clip(encode("wav", 31.0))
    for damaged in (
        clip[:-1],
        clip + b"\0",
        clip[:30],
        patched(clip, 20, "<H", 2),  # another version
        patched(clip, 22, "<H", 2),  # an excerpt more than it holds
        patched(clip, 24, "<I", 44_100),  # another rate
        patched(clip, 28, "<d", np.nan),
        patched(clip, 36, "<I", 0),
        patched(clip, 36, "<I", 0xFFFF_FFFF),
        patched(clip, 16, "<I", 0xFFFF_FFFF),  # a chunk as long as the address space
    ):
        with pytest.raises(Undecodable, match="clip"):
            decode(damaged)


@pytest.mark.parametrize(("number", "error"), [(0.0, Silent), (np.nan, Undecodable), (3e38, Undecodable)])
def test_numbers_that_are_no_music_are_refused_in_clips_too(
    encode: Encode, number: float, error: type[Exception]
) -> None:
    clip = encode_clip(encode("wav", 31.0))
    samples = np.full(29 * RATE, number, "<f4").tobytes()
    with pytest.raises(error):
        decode(clip[: -len(samples)] + samples)


def patched(content: bytes, place: int, form: str, number: float) -> bytes:
    copy = bytearray(content)
    struct.pack_into(form, copy, place, number)
    return bytes(copy)
