from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.aiff import AIFF
from mutagen.easymp4 import EasyMP4
from mutagen.flac import FLAC
from mutagen.id3 import TALB, TIT2, TPE1, TSRC
from mutagen.mp3 import EasyMP3
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from soundalike.audio.sniff import AudioKind
from soundalike.crawler.music_tags import MusicTags, read_tags

if TYPE_CHECKING:
    from collections.abc import Callable

EASY = {"title": "Glöckchen 鐘", "artist": ["Ärzte", "B"], "album": "Metall", "isrc": "us-hm8-08-65849"}
KINDS = {
    AudioKind.MP3: ("MP3", EasyMP3),
    AudioKind.FLAC: ("FLAC", FLAC),
    AudioKind.OGG: ("OGG", OggVorbis),
    AudioKind.WAV: ("WAV", WAVE),
    AudioKind.AIFF: ("AIFF", AIFF),
}


def tagged(content: bytes, reader: Any) -> io.BytesIO:
    stream = io.BytesIO(content)
    file = reader(stream)
    if reader in (WAVE, AIFF):
        file.add_tags()
        for frame in (TIT2, TPE1, TALB, TSRC):
            name = {TIT2: "title", TPE1: "artist", TALB: "album", TSRC: "isrc"}[frame]
            file.tags.add(frame(encoding=3, text=EASY[name]))
    else:
        for name, value in EASY.items():
            file[name] = value
    stream.seek(0)
    file.save(stream)
    return stream


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_the_tags_say(audio: Callable[..., bytes], kind: AudioKind) -> None:
    form, reader = KINDS[kind]
    tags = read_tags(tagged(audio(6, form), reader), kind)
    assert (tags.title, tags.artists, tags.album, tags.isrc) == (
        "Glöckchen 鐘",
        ("Ärzte", "B"),
        "Metall",
        "USHM80865849",
    )
    assert tags.duration_ms == pytest.approx(6000, abs=150)


def encoded_by_ffmpeg(container: str, codec: str, rate: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024 if codec == "aac" else 960), np.float32), "fltp", "mono")
        for number in range(100):
            frame.sample_rate, frame.pts = rate, number * frame.samples
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target.getvalue()


@pytest.mark.parametrize(
    ("kind", "container", "codec", "rate", "reader", "milliseconds"),
    [
        (AudioKind.M4A, "mp4", "aac", 44_100, EasyMP4, 2322),
        (AudioKind.OPUS, "ogg", "libopus", 48_000, OggOpus, 2000),
    ],
)
def test_what_the_tags_say_of_kinds_that_only_ffmpeg_writes(
    kind: AudioKind, container: str, codec: str, rate: int, reader: Any, milliseconds: int
) -> None:
    tags = read_tags(tagged(encoded_by_ffmpeg(container, codec, rate), reader), kind)
    assert (tags.title, tags.artists, tags.album, tags.isrc) == (
        "Glöckchen 鐘",
        ("Ärzte", "B"),
        "Metall",
        "USHM80865849",
    )
    assert tags.duration_ms == pytest.approx(milliseconds, abs=50)


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_tags(audio: Callable[..., bytes], kind: AudioKind) -> None:
    tags = read_tags(io.BytesIO(audio(6, KINDS[kind][0])), kind)
    assert tags == MusicTags(duration_ms=tags.duration_ms)
    assert tags.duration_ms


def test_the_album_artist_stands_in_for_the_artist(audio: Callable[..., bytes]) -> None:
    stream = io.BytesIO(audio(6, "FLAC"))
    file = FLAC(stream)
    file["albumartist"], file["artist"], file["title"] = "Everybody", "  ", "x" * 5000
    stream.seek(0)
    file.save(stream)
    tags = read_tags(stream, AudioKind.FLAC)
    assert tags.artists == ("Everybody",)
    assert tags.title == "x" * 1000


@pytest.mark.parametrize("kind", [None, *AudioKind])
def test_what_is_damaged_or_of_another_kind_says_nothing(kind: AudioKind | None) -> None:
    for content in (b"", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"fLaC\x00\x00\x00\x22", b"\x00" * 100):
        assert read_tags(io.BytesIO(content), kind) == MusicTags()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_file_is_fatal(audio: Callable[..., bytes], data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(KINDS)))
    form, reader = KINDS[kind]
    content = bytearray(tagged(audio(1, form), reader).getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, min(len(content), 2000) - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)))
    assert isinstance(read_tags(io.BytesIO(bytes(content[:length])), kind), MusicTags)
