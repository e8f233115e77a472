"""What a browser gets of a recording that it cannot play by itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from soundalike.audio.errors import NotAudio, Protected, TooShort, Undecodable
from soundalike.audio.transcode import RATE, open_transcoding
from soundalike.testing.wait import scale

from .audio_forms import FORMS, by_sndfile, chirp

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .conftest import Encode

SECONDS = 9.5
# Codecs with frames of a fixed length fill the last one up, and begin with what they need to get going.
PADDING_S = 0.15


def transcode(source: bytes, **part: Any) -> tuple[NDArray[np.float32], float]:
    """Return the samples that a player hears, float32 [n, channels], and the length that was told before."""
    sink = io.BytesIO()
    with ExitStack() as stack:
        transcoding = open_transcoding(io.BytesIO(source), stack, **part)
        # Only written to, as a pipe is.
        for _ in transcoding.run(WriteOnly(sink)):
            pass
        seconds = transcoding.seconds
    samples, rate = soundfile.read(io.BytesIO(sink.getvalue()), dtype="float32", always_2d=True)
    assert rate == RATE
    return samples, seconds


class WriteOnly:
    def __init__(self, sink: io.BytesIO) -> None:
        self.write = sink.write


def offset_s(samples: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return how much later than expected the left channel sounds, and check that it is the same sound."""
    length = min(len(samples), len(expected))
    size = 1 << (2 * length).bit_length()
    spectra = [np.fft.rfft(each[:length, 0], size) for each in (samples, expected)]
    likeness = np.fft.irfft(spectra[0] * np.conj(spectra[1]))
    best = int(np.argmax(likeness))
    energy = np.linalg.norm(samples[:length, 0]) * np.linalg.norm(expected[:length, 0])
    assert likeness[best] / energy > 0.9
    return (best if best < length else best - size) / RATE


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_file_is_whole_and_in_time(encode: Encode, form: str) -> None:
    samples, seconds = transcode(encode(form, SECONDS))
    assert len(samples) / RATE == pytest.approx(SECONDS, abs=PADDING_S)
    assert seconds == pytest.approx(SECONDS, abs=PADDING_S)
    assert samples.shape[1] == 2
    assert abs(offset_s(samples, chirp(SECONDS, RATE))) < PADDING_S


@pytest.mark.parametrize("form", ["flac", "mp3", "m4a", "wma", "aiff", "dsf"])
@pytest.mark.parametrize(
    ("part", "begin", "end"),
    [
        ({"start_ms": 5_000}, 5.0, SECONDS),
        ({"segment": (2_500, 7_250)}, 2.5, 7.25),
        ({"segment": (2_500, 99_000), "start_ms": 1_500}, 4.0, SECONDS),
    ],
)
def test_a_part_has_its_own_samples(encode: Encode, form: str, part: dict[str, Any], begin: float, end: float) -> None:
    samples, seconds = transcode(encode(form, SECONDS), **part)
    assert seconds == pytest.approx(end - begin, abs=PADDING_S)
    assert len(samples) / RATE == pytest.approx(end - begin, abs=PADDING_S)
    expected = chirp(SECONDS, RATE)[round(begin * RATE) : round(end * RATE)]
    assert abs(offset_s(samples, expected)) < PADDING_S


def test_a_long_recording_comes_without_gaps_where_one_block_ends(encode: Encode) -> None:
    """Blocks of 2 and of 20 seconds, of a kind that is opened again for each."""
    samples, _ = transcode(encode("alac", 45.0))
    expected = chirp(45.0, RATE)
    for begin in (1.5, 21.5, 41.5):
        part = slice(round(begin * RATE), round((begin + 1) * RATE))
        assert abs(offset_s(samples[part], expected[part])) < 0.001


def test_channels_beside_the_front_are_heard_in_both_and_mono_stays_mono() -> None:
    tone = chirp(3.0)[:, :1]
    silence = np.zeros_like(tone)
    surround, _ = transcode(by_sndfile(np.hstack([silence, silence, tone, silence]), 44_100, format="WAV"))
    assert surround.shape[1] == 2
    assert np.abs(surround[RATE : 2 * RATE]).max(axis=0) == pytest.approx([0.117, 0.117], abs=0.02)
    mono, _ = transcode(by_sndfile(tone, 44_100, format="WAV"))
    assert mono.shape[1] == 1


def test_what_is_louder_than_full_scale_or_no_number_is_limited() -> None:
    frames = chirp(3.0) * 100
    frames[5_000] = np.nan
    frames[6_000] = np.inf
    samples, _ = transcode(by_sndfile(frames, 44_100, format="WAV", subtype="FLOAT"))
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() < 2


@pytest.mark.parametrize(
    ("content", "part", "error"),
    [
        (b"", {}, NotAudio),
        (b"<html>" * 1000, {}, NotAudio),
        (b"fLaC" + bytes(10_000), {}, Undecodable),
        (by_sndfile(chirp(3.0), 44_100, format="WAV"), {"start_ms": 3_000}, TooShort),
        (by_sndfile(chirp(3.0), 44_100, format="WAV"), {"segment": (4_000, 5_000)}, TooShort),
    ],
)
def test_what_cannot_be_played_says_why(content: bytes, part: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        transcode(content, **part)


def test_what_is_protected_is_not_played(encode: Encode) -> None:
    with pytest.raises(Protected):
        transcode(encode("m4a", SECONDS).replace(b"mp4a", b"drms"))


def run_process(path: Path, **arguments: Any) -> tuple[dict[str, Any], bytes, int]:
    command = [sys.executable, "-m", "soundalike.audio.transcoder_process", json.dumps(arguments), str(1 << 30)]
    with path.open("rb") as file:
        ended = subprocess.run(command, stdin=file, capture_output=True, check=False, timeout=scale(60))
    head, _, stream = ended.stdout.partition(b"\n")
    return json.loads(head), stream, ended.returncode


@pytest.mark.parametrize("form", ["wma", "aiff", "alac", "dsf"])
def test_the_confined_process_writes_the_stream(encode: Encode, tmp_path: Path, form: str) -> None:
    """Each by another way of our libraries, which may have to load something late."""
    path = tmp_path / "song"
    path.write_bytes(encode(form, SECONDS))
    head, stream, status = run_process(path, segment=[2_000, 9_000], start_ms=1_000)
    samples, _ = soundfile.read(io.BytesIO(stream), dtype="float32", always_2d=True)
    assert (head["seconds"], len(samples) / RATE, status) == (pytest.approx(6.0), pytest.approx(6.0, abs=0.02), 0)
    assert abs(offset_s(samples, chirp(SECONDS, RATE)[3 * RATE : 9 * RATE])) < PADDING_S


def test_the_confined_process_says_why_it_cannot(tmp_path: Path) -> None:
    path = tmp_path / "song"
    path.write_bytes(b"nothing that sounds")
    head, stream, status = run_process(path)
    assert (head["error"], stream, status) == ("NotAudio", b"", 0)
