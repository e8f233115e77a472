"""Files as people have them: codec x channels x rate x length x tags x odd containers, a covering part of the product.

The sound is a melody of notes that do not repeat within a file, so that any other excerpt would be another melody.
"""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
import pytest
import soundfile

from soundalike.audio.decode import decode
from soundalike.audio.errors import Undecodable
from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE
from soundalike.audio.excerpt_selection import select
from soundalike.audio.ffmpeg import open_by_ffmpeg
from soundalike.audio.libsndfile import open_by_sndfile
from soundalike.audio.mpeg_frames import Framing, index_frames
from soundalike.audio.sniff import AudioKind, sniff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.audio.excerpt import AudioExcerpts

NOTE: Final = 0.25
# What belongs to a subwoofer would lose its melody to the encoders: it stands fourth in WAV, last in Vorbis and Opus.
GAINS: Final = {1: (1.0,), 2: (1.0, 0.5), 6: (1.0, 0.5, 0.8, 0.0, 0.3, 0.0)}
LAYOUTS: Final = {1: "mono", 2: "stereo", 6: "5.1"}
LENGTH: Final = 36.0
NOISE: Final = np.random.default_rng(0)


def melody(seconds: float, rate: int, start: float = 0.0) -> NDArray[np.float32]:
    time = start + np.arange(round(seconds * rate)) / rate
    hertz = np.random.default_rng(7).uniform(300, 1200, 2000)
    note = (time / NOTE).astype(int)
    within = time / NOTE - note
    return (0.5 * np.sin(2 * np.pi * hertz[note] * within * NOTE) * np.sqrt(np.sin(np.pi * within))).astype(np.float32)


def frames(seconds: float = LENGTH, rate: int = 22_050, channels: int = 2, start: float = 0.0) -> NDArray[np.float32]:
    return melody(seconds, rate, start)[:, np.newaxis] * np.float32(GAINS[channels])


def by_sndfile(sound: NDArray[np.float32], rate: int, **form: Any) -> bytes:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, sound.shape[1], **form) as file:
        for start in range(0, len(sound), 4096):
            file.write(sound[start : start + 4096])
    return buffer.getvalue()


def by_ffmpeg(
    sound: NDArray[np.float32],
    rate: int,
    container: str,
    codec: str,
    *,
    options: dict[str, str] | None = None,
    picture: str | None = None,
    title: str | None = None,
    target: Path | None = None,
) -> bytes:
    buffer = io.BytesIO()
    layout = LAYOUTS[sound.shape[1]]
    with av.open(str(target) if target else buffer, "w", format=container, options=options or {}) as file:
        video = None
        if picture:
            video = file.add_stream(picture, rate=1)
            video.width = video.height = 64
            video.pix_fmt = "rgb24" if picture == "png" else "yuv420p"
        stream = file.add_stream(codec, rate=rate, options={"strict": "experimental"})
        stream.layout = layout
        if title:
            file.metadata["title"] = title
        for second in range(1 if picture == "png" else int(len(sound) / rate)) if video else ():
            image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            image.pts, image.time_base = second, Fraction(1)
            file.mux(video.encode(image))
        if video:
            file.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate)
        for piece in [*resampler.resample(frame), None]:
            file.mux(stream.encode(piece))
    return target.read_bytes() if target else buffer.getvalue()


def assert_excerpt(excerpts: AudioExcerpts, seconds: float = LENGTH, channels: int = 2, *, slack: float = 0.0) -> None:
    """Assert that these are the excerpts of the melody that the rule selects, `slack` s earlier or later at most."""
    places = [0.5] if seconds <= 60 else [0.2, 0.5, 0.8]
    starts = [0.0] if seconds <= 35 else [min(max(place * seconds - 14.5, 0), seconds - 29) for place in places]
    length = min(29.0, seconds)
    assert excerpts.samples.dtype == np.float32
    assert excerpts.seconds_total == pytest.approx(seconds, abs=4 * slack + 1e-3)
    lag = round(slack * RATE)
    middle = round(length / 2 * RATE)
    for samples, start in zip(excerpts.separate(), starts, strict=True):
        assert len(samples) / RATE == pytest.approx(length, abs=2 * slack + 1e-3)
        passage = samples[middle - 2 * RATE : middle + 2 * RATE]
        expected = melody(4 + 2 * slack, RATE, start + length / 2 - 2 - slack) * np.float32(np.mean(GAINS[channels]))
        correlation = np.correlate(expected, passage, "valid")
        best = int(np.argmax(correlation))
        matching = expected[best : best + len(passage)][: len(passage)]
        assert abs(best - lag) <= lag
        assert correlation[best] / np.linalg.norm(passage) / np.linalg.norm(matching) > 0.97
        assert np.linalg.norm(passage) / np.linalg.norm(matching) == pytest.approx(1, abs=0.06)


def snd(form: str, subtype: str, **more: Any) -> Callable[[NDArray[np.float32], int], bytes]:
    return lambda sound, rate: by_sndfile(sound, rate, format=form, subtype=subtype, **more)


def ffm(container: str, codec: str, **more: Any) -> Callable[[NDArray[np.float32], int], bytes]:
    return lambda sound, rate: by_ffmpeg(sound, rate, container, codec, **more)


NO_XING: Final = {"write_xing": "0", "id3v2_version": "0"}
# They do not declare how many samples an encoder put in front of the music.
BARE: Final = 0.06
MATRIX: Final = {
    "mp3 of constant rate": (snd("MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT"), 1, 8_000, 8, 0.0),
    "mp3 of varying rate": (snd("MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE"), 1, 12_000, 36, 0.0),
    "mp3 of average rate": (snd("MP3", "MPEG_LAYER_III", bitrate_mode="AVERAGE"), 2, 16_000, 29, 0.0),
    "mp3 by FFmpeg": (ffm("mp3", "libmp3lame"), 1, 48_000, 34, 0.0),
    "mp3 without a length": (ffm("mp3", "libmp3lame", options=NO_XING), 1, 32_000, 36, BARE),
    # At 8 kHz the encoder's 1105 samples in front are .138 s, of which a fifth counts at two tenths of the file.
    "mp3 of 5 min without a length": (ffm("mp3", "libmp3lame", options=NO_XING), 1, 8_000, 300, 0.138),
    "mp3 hardly long enough": (snd("MP3", "MPEG_LAYER_III"), 2, 44_100, 7.1, 0.0),
    "aac": (ffm("ipod", "aac"), 2, 44_100, 36, 0.0),
    "aac 5.1": (ffm("ipod", "aac"), 6, 48_000, 8, 0.0),
    "aac of 8 kHz": (ffm("ipod", "aac"), 1, 8_000, 29, 0.0),
    "aac of 96 kHz": (ffm("ipod", "aac"), 1, 96_000, 8, 0.0),
    "aac without a container": (ffm("adts", "aac"), 2, 32_000, 36, BARE),
    "alac": (ffm("ipod", "alac"), 2, 44_100, 36, 0.0),
    "alac of 192 kHz": (ffm("ipod", "alac"), 2, 192_000, 8, 0.0),
    "vorbis": (snd("OGG", "VORBIS"), 1, 22_050, 36, 0.0),
    "vorbis 5.1": (snd("OGG", "VORBIS"), 6, 48_000, 8, 0.0),
    "vorbis of 8 kHz and 5 min": (snd("OGG", "VORBIS"), 1, 8_000, 300, 0.0),
    "vorbis of 96 kHz": (snd("OGG", "VORBIS"), 2, 96_000, 8, 0.0),
    "opus": (ffm("ogg", "libopus"), 2, 48_000, 36, 0.0),
    "opus 5.1": (ffm("ogg", "libopus"), 6, 48_000, 8, 0.0),
    "opus from 8 kHz": (snd("OGG", "OPUS"), 1, 8_000, 34, 0.0),
    "flac 5.1": (snd("FLAC", "PCM_16"), 6, 44_100, 36, 0.0),
    "flac of 8 bits": (snd("FLAC", "PCM_S8"), 1, 8_000, 34, 0.0),
    "flac of 24 bits, 192 kHz": (snd("FLAC", "PCM_24"), 1, 192_000, 36, 0.0),
    "flac of 5 min": (snd("FLAC", "PCM_16"), 1, 16_000, 300, 0.0),
    "flac in ogg": (ffm("ogg", "flac"), 2, 44_100, 36, 0.0),
    "wav of 8 bits": (snd("WAV", "PCM_U8"), 1, 8_000, 29, 0.0),
    "wav of 16 bits": (snd("WAV", "PCM_16"), 2, 11_025, 300, 0.01),
    "wav of 24 bits": (snd("WAV", "PCM_24"), 6, 96_000, 8, 0.0),
    "wav of 32 bits": (snd("WAV", "PCM_32"), 1, 192_000, 36, 0.0),
    "wav of floats": (snd("WAV", "FLOAT"), 2, 44_100, 36, 0.0),
    "wav of doubles": (snd("WAV", "DOUBLE"), 1, 16_000, 36, 0.0),
    "wav of logarithms": (snd("WAV", "ULAW"), 1, 8_000, 36, 0.0),
    "wav of differences": (snd("WAV", "IMA_ADPCM"), 2, 22_050, 36, 0.01),
    "wav with a mask of channels": (snd("WAVEX", "PCM_16"), 6, 44_100, 36, 0.0),
    "wav of 64 bits (RF64)": (snd("RF64", "PCM_24"), 2, 44_100, 36, 0.0),
    "wav around an mp3": (ffm("wav", "libmp3lame"), 2, 44_100, 36, 0.1),
    "aiff of 8 bits": (snd("AIFF", "PCM_S8"), 1, 22_050, 36, 0.0),
    "aiff of 24 bits": (snd("AIFF", "PCM_24"), 2, 48_000, 36, 0.0),
    "aiff of floats": (snd("AIFF", "FLOAT"), 2, 44_100, 8, 0.0),
    "aiff of little-endian numbers": (ffm("aiff", "pcm_s16le"), 2, 44_100, 36, 0.0),
    "webm with opus": (ffm("webm", "libopus"), 2, 48_000, 36, 0.02),
    "webm with vorbis": (ffm("webm", "vorbis"), 2, 44_100, 36, 0.03),
    "webm of a live stream": (ffm("webm", "libopus", options={"live": "1"}), 1, 48_000, 36, 0.02),
    "matroska with flac": (ffm("matroska", "flac"), 2, 44_100, 36, 0.02),
    "mp4 in fragments": (
        ffm("mp4", "aac", options={"movflags": "empty_moov+default_base_moof", "frag_duration": "2000000"}),
        *(2, 44_100, 36, BARE),
    ),
    "mp4 with a film": (ffm("mp4", "aac", picture="mpeg4"), 2, 44_100, 36, 0.0),
    "mp4 with opus": (ffm("mp4", "libopus"), 2, 48_000, 36, 0.0),
    "m4a with a cover": (ffm("mp4", "aac", picture="png"), 1, 44_100, 8, 0.0),
    "mp3 with a cover": (ffm("mp3", "libmp3lame", picture="png"), 1, 44_100, 8, 0.0),
    "mov": (ffm("mov", "pcm_s16be"), 2, 44_100, 36, 0.0),
}


@pytest.mark.parametrize("name", MATRIX)
def test_a_real_file_is_decoded(name: str) -> None:
    encode, channels, rate, seconds, slack = MATRIX[name]
    assert_excerpt(decode(encode(frames(seconds, rate, channels), rate)), seconds, channels, slack=slack)


def id3(body: bytes) -> bytes:
    return b"ID3\x03\x00\x00" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def id3_frame(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">I", len(body)) + b"\0\0" + body


def ape() -> bytes:
    items = b"".join(
        struct.pack("<II", len(value), 0) + key + b"\0" + value
        for key, value in ((b"Title", b"\xe9\xff"), (b"Cover Art (Front)", b"x.jpg\0" + NOISE.bytes(90_000)))
    )
    head, foot = (
        b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, 2, flags) + bytes(8)
        for flags in (0xA000_0000, 0x8000_0000)
    )
    return head + items + foot


LATIN: Final = id3(
    id3_frame(b"TIT2", b"\0caf\xe9 \xff\xfe")
    + id3_frame(b"TPE1", b"\x03\xe9\xff")
    + id3_frame(b"TXXX", b"\x01\xff\xfe\0\xd8")
)
COVER: Final = id3(id3_frame(b"APIC", b"\0image/jpeg\0\x03\0\xff\xd8\xff\xe0" + NOISE.bytes(700_000)))
OLD: Final = b"TAG" + b"caf\xe9".ljust(30, b"\0") + b"\xff" * 30 + bytes(64) + b"\x05"


@pytest.fixture(scope="module")
def plain() -> dict[str, bytes]:
    sound, rate = frames(), 22_050
    return {
        "mp3": by_ffmpeg(sound, rate, "mp3", "libmp3lame", options={"id3v2_version": "0"}),
        "bare mp3": by_ffmpeg(sound, rate, "mp3", "libmp3lame", options=NO_XING),
        "flac": by_sndfile(sound, rate, format="FLAC", subtype="PCM_16"),
        "wav": by_sndfile(sound, rate, format="WAV", subtype="PCM_16"),
        "aiff": by_sndfile(sound, rate, format="AIFF", subtype="PCM_16"),
        "ogg": by_sndfile(sound, rate, format="OGG", subtype="VORBIS"),
        "m4a": by_ffmpeg(sound, rate, "ipod", "aac"),
        "aac": by_ffmpeg(sound, rate, "adts", "aac"),
    }


AROUND: Final = {
    "a large cover": (COVER, b""),
    "tags in no encoding": (LATIN, OLD),
    "an APE tag behind": (LATIN, ape() + OLD),
    "an APE tag in front": (ape(), b""),
    "two tags": (LATIN + COVER, b""),
    "padding": (LATIN + bytes(100_000), b""),
    "junk in front": (NOISE.bytes(30_000), b""),
    "a tag that is longer than it says": (id3(b"") + NOISE.bytes(20_000), b""),
    "junk behind": (b"", NOISE.bytes(50_000)),
    "zeros behind": (b"", bytes(300_000)),
    "lyrics behind": (b"", b"LYRICSBEGIN" + b"x" * 3000 + b"003011LYRICS200" + OLD),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("form", "slack"), [("mp3", 0.0), ("bare mp3", BARE), ("aac", 0.07)])
def test_tags_and_junk_around_frames(plain: dict[str, bytes], form: str, slack: float, around: str) -> None:
    front, behind = AROUND[around]
    assert_excerpt(decode(front + plain[form] + behind), slack=slack)


def bare_mp3(seconds: float, rate: int, channels: int) -> tuple[bytes, list[int]]:
    """An MP3 of which nothing says how long it is, and where its frames begin."""
    data = by_ffmpeg(frames(seconds, rate, channels), rate, "mp3", "libmp3lame", options=NO_XING)
    return data, list(index_frames(io.BytesIO(data), Framing.MP3).offsets)


@pytest.mark.parametrize("seconds", [12.0, 90.0])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 1), (48_000, 2)])
def test_both_libraries_read_the_same_of_an_mp3_without_a_length(rate: int, channels: int, seconds: float) -> None:
    data, starts = bare_mp3(seconds, rate, channels)
    torn = data[: starts[60]] + b"junk" * 777 + data[starts[60] :]
    # Frames that lean on others which were cut away come out of each library in its own way.
    for content, strange in ((data, 0), (data[starts[20] :], rate // 5), (torn, 0)):
        with (
            open_by_sndfile(io.BytesIO(content), AudioKind.MP3) as file,
            open_by_ffmpeg(io.BytesIO(content), AudioKind.MP3) as same_file,
        ):
            fast, other = select(file, DEFAULT_RULE), select(same_file, DEFAULT_RULE)
        assert (fast.rate, fast.frames_declared, fast.seconds_total) == (
            other.rate,
            other.frames_declared,
            other.seconds_total,
        )
        for frames_of_fast, frames_of_other in zip(fast.excerpts, other.excerpts, strict=True):
            assert frames_of_fast.shape == frames_of_other.shape
            np.testing.assert_allclose(frames_of_fast[strange:], frames_of_other[strange:], atol=1e-4)


def test_an_mp3_that_turns_from_stereo_to_mono_is_decoded_to_its_end() -> None:
    (stereo, at), (mono, also) = bare_mp3(34.0, 44_100, 2), bare_mp3(34.0, 44_100, 1)
    excerpt = decode(stereo[: at[500]] + mono[also[500] :])
    assert excerpt.seconds == 29
    quarters = excerpt.samples.reshape(4, -1)
    assert (quarters.std(axis=1) > 0.1).all()


@pytest.mark.parametrize(
    "around", ["a large cover", "tags in no encoding", "an APE tag behind", "padding", "junk behind"]
)
@pytest.mark.parametrize("form", ["flac", "wav", "aiff", "ogg", "m4a"])
def test_tags_and_junk_around_containers(plain: dict[str, bytes], form: str, around: str) -> None:
    front, behind = AROUND[around]
    assert_excerpt(decode(front + plain[form] + behind))


def test_tags_of_m4a_in_no_encoding() -> None:
    data = by_ffmpeg(frames(), 22_050, "ipod", "aac", title="QQQQ")
    assert data.count(b"QQQQ") == 1
    assert_excerpt(decode(data.replace(b"QQQQ", b"\xe9\xff\xfe\xe8")))


def test_an_m4a_with_its_index_in_front(tmp_path: Path) -> None:
    data = by_ffmpeg(frames(), 22_050, "mp4", "aac", options={"movflags": "faststart"}, target=tmp_path / "a.mp4")
    assert data.index(b"moov") < data.index(b"mdat")
    assert_excerpt(decode(data))


def chirps(seconds: float, channels: int, start: float = 0.0) -> NDArray[np.float32]:
    """The melody as loud in mono as in stereo."""
    return frames(seconds, channels=channels, start=start) * np.float32(np.mean(GAINS[2]) / np.mean(GAINS[channels]))


@pytest.mark.parametrize(("first", "second"), [(2, 2), (1, 2), (2, 1)])
def test_mp3s_joined_to_one(first: int, second: int) -> None:
    halves = [
        by_ffmpeg(part, 22_050, "mp3", "libmp3lame", options=NO_XING)
        for part in (chirps(16, first), chirps(20, second, start=16))
    ]
    joined = LATIN + halves[0] + OLD + COVER + halves[1] + OLD
    assert_excerpt(decode(joined), slack=0.1)


@pytest.mark.parametrize(("form", "rate"), [("VORBIS", 22_050), ("OPUS", 12_000)])
def test_ogg_in_several_links(form: str, rate: int) -> None:
    parts = [(8.0, 0.0), (9.5, 8.0), (18.5, 17.5)]
    data = b"".join(
        by_sndfile(frames(seconds, rate, start=start), rate, format="OGG", subtype=form) for seconds, start in parts
    )
    assert sniff(data) is (AudioKind.OPUS if form == "OPUS" else AudioKind.OGG)
    assert_excerpt(decode(data), slack=0.001)


def test_ogg_that_changes_its_rate_is_refused() -> None:
    parts = [by_sndfile(frames(10, rate), rate, format="OGG", subtype="VORBIS") for rate in (22_050, 32_000)]
    with pytest.raises(Undecodable, match="rate changes midway"):
        decode(b"".join(parts))


def test_a_flac_that_was_written_to_a_pipe(plain: dict[str, bytes]) -> None:
    data = bytearray(plain["flac"])
    # The number of samples: the last 36 bits before the checksum (RFC 9639, section 8.2).
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert_excerpt(decode(bytes(data)))


@pytest.mark.parametrize("declared", [0, 0x7FFF_F000, 0x7FFF_FFC4, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
def test_a_wav_that_was_written_to_a_pipe(plain: dict[str, bytes], declared: int) -> None:
    data = bytearray(plain["wav"])
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", declared)
    data[4:8] = struct.pack("<I", min(declared + 36, 0xFFFF_FFFF))
    assert_excerpt(decode(bytes(data)))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def test_a_wav_full_of_other_chunks(plain: dict[str, bytes]) -> None:
    data = plain["wav"]
    at = data.index(b"data")
    body = b"".join(
        (
            *(b"WAVE", chunk(b"JUNK", bytes(28)), chunk(b"bext", NOISE.bytes(601)), data[12:36]),
            *(chunk(b"LIST", b"INFO" + NOISE.bytes(33)), chunk(b"data", data[at + 8 :]), chunk(b"id3 ", COVER)),
        )
    )
    assert_excerpt(decode(b"RIFF" + struct.pack("<I", len(body)) + body))


@pytest.mark.parametrize("wrong", [0, 100, 0x00FF_FFFF])
def test_a_wav_of_another_size_than_it_says(plain: dict[str, bytes], wrong: int) -> None:
    data = plain["wav"]
    assert_excerpt(decode(data[:4] + struct.pack("<I", wrong) + data[8:]))


def test_an_aiff_that_was_written_to_a_pipe(plain: dict[str, bytes]) -> None:
    data = bytearray(plain["aiff"])
    at = data.index(b"SSND") + 4
    data[at : at + 4] = data[4:8] = b"\xff" * 4
    assert_excerpt(decode(bytes(data)))
