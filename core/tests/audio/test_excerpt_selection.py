from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.audio.errors import Silent
from soundalike.audio.excerpt_rule import DEFAULT_RULE
from soundalike.audio.excerpt_selection import PcmExcerpts, select
from soundalike.audio.silence import SILENCE_RMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RATE = 4_000


class MemoryFile:
    """A recording in memory that counts what is read of it."""

    def __init__(self, frames: NDArray[np.float32], *, frames_total: int | None = None) -> None:
        self.rate, self.channels, self.bits = RATE, frames.shape[1], 16
        self.frames_total = len(frames) if frames_total is None else frames_total
        self.frames_read = 0
        self._frames = frames

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:  # noqa: ARG002
        frames = self._frames[span.start : span.stop]
        self.frames_read += len(frames)
        return frames


def music(seconds: float, hertz: float = 200.0) -> NDArray[np.float32]:
    """Two channels that are not the same, with a rest of half a second in every four."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * hertz * t) * (t % 4 < 3.5)
    return np.stack([tone, 0.5 * tone], axis=1).astype(np.float32)


def digital_silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros((round(seconds * RATE), 2), np.float32)


def dither(seconds: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(1).triangular(-1, 0, 1, (round(seconds * RATE), 2))
    return np.rint(noise).astype(np.float32) / 32_768


def constant_offset(seconds: float) -> NDArray[np.float32]:
    return dither(seconds) + np.float32(0.02)


def long_fade(seconds: float) -> NDArray[np.float32]:
    sound = music(seconds)
    return sound * np.geomspace(SILENCE_RMS / 10, SILENCE_RMS / 1000, len(sound))[:, np.newaxis].astype(np.float32)


SILENCES = [digital_silence, dither, constant_offset, long_fade]


def of(*parts: NDArray[np.float32]) -> PcmExcerpts:
    return select(MemoryFile(np.concatenate(parts)), DEFAULT_RULE)


def seconds(pcm: PcmExcerpts) -> list[float]:
    return [len(frames) / RATE for frames in pcm.excerpts]


def longest_silence(pcm: PcmExcerpts) -> float:
    """The longest time in seconds in which no excerpt is louder than silence."""
    longest = 0
    for frames in pcm.excerpts:
        loud = np.flatnonzero(np.abs(frames - frames.mean(axis=0)).max(axis=1) > 3 * SILENCE_RMS)
        longest = max(longest, int(np.diff([-1, *loud, len(frames)]).max()))
    return longest / RATE


@pytest.mark.parametrize("length", [8, 30, 36, 59, 60, 61, 200])
def test_what_sounds_throughout_is_read_where_the_rule_says_and_nothing_else(length: int) -> None:
    whole = music(length)
    file = MemoryFile(whole)
    pcm = select(file, DEFAULT_RULE)
    spans = DEFAULT_RULE.spans(len(whole), RATE)
    for frames, span in zip(pcm.excerpts, spans, strict=True):
        np.testing.assert_array_equal(frames, whole[span.start : span.stop])
    assert file.frames_read == sum(map(len, spans))
    assert (pcm.seconds_total, pcm.is_complete, pcm.is_usable) == (length, True, True)


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize(
    ("before", "gap", "after"),
    [(45, 60, 30), (45, 60, 120), (20, 200, 20), (100, 400, 60), (0, 100, 40), (100, 100, 0), (8, 150, 0)],
    ids=str,
)
def test_no_silence_is_analysed_while_another_part_sounds(
    silence: Callable[[float], NDArray[np.float32]], before: float, gap: float, after: float
) -> None:
    pcm = of(music(before), silence(gap), music(after))
    assert longest_silence(pcm) < 2
    assert sum(seconds(pcm)) >= min(28, 0.9 * (before + after))
    assert pcm.seconds_total == before + gap + after


def test_of_a_song_a_pause_and_a_hidden_track_both_are_analysed() -> None:
    pcm = of(music(45, 200), digital_silence(60), music(45, 600))
    tones = {int(np.abs(np.fft.rfft(frames[: 8 * RATE, 0])).argmax() / 8) for frames in pcm.excerpts}
    assert tones == {200, 600}


@pytest.mark.parametrize(("before", "sound", "after"), [(30, 30, 0), (0, 30, 30), (5, 20, 10), (28, 4, 28)], ids=str)
def test_of_short_files_the_sounding_part_is_analysed(before: float, sound: float, after: float) -> None:
    pcm = of(digital_silence(before), music(sound), digital_silence(after))
    assert seconds(pcm) == pytest.approx([min(30, sound)] if sound >= 7 else [30], abs=0.6)
    assert np.abs(pcm.excerpts[0]).max() > 0.2


def test_a_few_seconds_of_sound_in_a_long_file_are_enough() -> None:
    pcm = of(digital_silence(200), music(3), digital_silence(300))
    assert len(pcm.excerpts) == 1
    assert np.abs(pcm.excerpts[0]).max() > 0.2


def test_rests_shorter_than_two_seconds_are_music() -> None:
    whole = np.concatenate([part for _ in range(15) for part in (music(1), digital_silence(1.8))])
    np.testing.assert_array_equal(of(whole).excerpts[0], whole[round(6.5 * RATE) : round(36.5 * RATE)])


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("length", [20, 50, 200])
def test_only_silence_throughout_is_silent(silence: Callable[[float], NDArray[np.float32]], length: float) -> None:
    with pytest.raises(Silent, match="throughout"):
        of(silence(length))


def test_hours_of_silence_are_not_read_whole() -> None:
    file = MemoryFile(np.broadcast_to(np.float32(0), (2 * 3600 * RATE, 1)))
    with pytest.raises(Silent):
        select(file, DEFAULT_RULE)
    assert file.frames_read < file.frames_total / 20


def test_what_is_missing_of_a_file_that_was_cut_short_is_left_out() -> None:
    whole = music(200)
    for share, count, is_usable in ((0.7, 2, True), (0.4, 3, False)):
        pcm = select(MemoryFile(whole[: round(share * len(whole))], frames_total=len(whole)), DEFAULT_RULE)
        assert (len(pcm.excerpts), pcm.is_complete, pcm.is_usable) == (count, False, is_usable)


def test_of_a_file_that_does_not_tell_its_length_the_start_is_read() -> None:
    whole = music(200)
    pcm = select(MemoryFile(whole, frames_total=0), DEFAULT_RULE)
    assert len(pcm.excerpts) == 1
    np.testing.assert_array_equal(pcm.excerpts[0], whole[: 30 * RATE])
