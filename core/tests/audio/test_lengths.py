"""Files that say nothing of their length, or something wrong, are as long as they sound."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import pytest

from soundalike.audio.coded_audio.identity import identify
from soundalike.audio.decode import read_excerpts

from .test_coded_audio import copied, flac_without_length, wav_without_length, without_information

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Encode

SECONDS = 10.0


class Pipe:
    """Takes what is written, and goes nowhere else."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, data: bytes) -> int:
        self.content += bytes(data)
        return len(data)


def piped(container: str) -> Callable[[bytes], bytes]:
    """The packets as FFmpeg writes them to a pipe: it cannot go back and say how many there were."""

    def edit(content: bytes) -> bytes:
        pipe = Pipe()
        with av.open(io.BytesIO(content)) as source, av.open(pipe, "w", format=container) as file:
            track = source.streams.audio[0]
            stream = file.add_stream_from_template(track)
            for packet in source.demux(track):
                if packet.dts is not None:
                    packet.stream = stream
                    file.mux(packet)
        return pipe.content

    return edit


def aiff_without_length(content: bytes) -> bytes:
    sound, common = content.index(b"SSND") + 4, content.index(b"COMM") + 10
    content = content[:common] + bytes(4) + content[common + 4 :]
    return content[:sound] + bytes(4) + content[sound + 4 :]


def twice(content: bytes) -> bytes:
    return content + content


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer", "frag_duration": "500000"}


@pytest.mark.parametrize(
    ("form", "edit", "seconds"),
    [
        ("wav", wav_without_length(0), SECONDS), ("wav", wav_without_length(0xFFFFFFFF), SECONDS),
        ("wav", piped("wav"), SECONDS), ("wav", piped("w64"), SECONDS), ("wav", piped("caf"), SECONDS),
        ("aiff", piped("au"), SECONDS), ("aiff", aiff_without_length, SECONDS),
        ("mp3", without_information, SECONDS), ("mp3", twice, 2 * SECONDS), ("mp3", piped("wav"), SECONDS),
        ("mp3", copied("wav"), SECONDS), ("aac", lambda content: content, SECONDS),
        ("flac", flac_without_length, SECONDS), ("ogg", twice, 2 * SECONDS), ("opus", twice, 2 * SECONDS),
        ("m4a", piped("matroska"), SECONDS), ("m4a", copied("mp4", **FRAGMENTS), SECONDS),
        ("alac", copied("mp4", **FRAGMENTS), SECONDS), ("opus", piped("webm"), SECONDS),
        ("matroska", lambda content: content, SECONDS), ("wma", piped("asf"), SECONDS),
        ("avi", lambda content: content, SECONDS), ("tta", piped("tta"), SECONDS),
    ],
)  # fmt: skip
def test_a_file_is_as_long_as_it_sounds(
    encode: Encode, form: str, edit: Callable[[bytes], bytes], seconds: float
) -> None:
    content = edit(encode(form, SECONDS))
    assert identify(io.BytesIO(content)).duration_ms == pytest.approx(1000 * seconds, abs=120)
    # What is uploaded, or cut, is measured by the decoder.
    assert read_excerpts(content).seconds_total == pytest.approx(seconds, abs=0.12)
