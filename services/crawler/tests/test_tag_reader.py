"""Tags are read in a confined process, as they are read in this one, and never for more than it is given."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import pytest
from mutagen.flac import FLAC
from mutagen.id3 import TALB, TIT2, TPE1
from mutagen.mp3 import MP3
from mutagen.oggvorbis import OggVorbis

from soundalike.audio.errors import DecoderCrashed, TooDemanding
from soundalike.audio.sniff import sniff_stream
from soundalike.crawler.errors import PreviewUnusable
from soundalike.crawler.music_tags import MusicTags, read_tags
from soundalike.crawler.preview_duration import check_duration
from soundalike.crawler.tag_reader import TagReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

BOMBS = Path(__file__).with_name("tag_bombs.py")


def read(reader: TagReader, content: bytes) -> MusicTags:
    with TemporaryFile() as file:
        file.write(content)
        return reader.read(file)


@pytest.mark.parametrize("encoding", range(4))
def test_every_encoding_of_id3_can_be_read(audio: Callable[..., bytes], tag_reader: TagReader, encoding: int) -> None:
    # A process that can open nothing cannot load a codec either.
    text = "Glöckchen" if encoding == 0 else "Glöckchen 鐘 🎵"
    stream = io.BytesIO(audio(6, "MP3"))
    file: Any = MP3(stream)
    file.add_tags()
    for frame in (TIT2, TPE1, TALB):
        file.tags.add(frame(encoding=encoding, text=text))
    stream.seek(0)
    file.save(stream)
    tags = read(tag_reader, stream.getvalue())
    assert (tags.title, tags.artists, tags.album) == (text, (text,), text)


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "gbk", "big5", "cp932", "euc-kr", "iso2022_jp", "utf-16"])
def test_legacy_code_pages_can_be_read(audio: Callable[..., bytes], tag_reader: TagReader, codec: str) -> None:
    text = {"gbk": "月亮代表我的心", "big5": "月亮代表我的心", "euc-kr": "서른 즈음에"}.get(codec, "Группа крови")
    text = "丸の内サディスティック" if codec in {"cp932", "iso2022_jp"} else text
    stream = io.BytesIO(audio(6, "MP3"))
    file: Any = MP3(stream)
    file.add_tags()
    file.tags.add(TIT2(encoding=0, text=text.encode(codec).decode("latin-1")))
    stream.seek(0)
    file.save(stream)
    assert read(tag_reader, stream.getvalue()).title == text


@pytest.mark.parametrize(("form", "kind"), [("FLAC", FLAC), ("OGG", OggVorbis)])
def test_it_reads_what_is_read_in_this_process(
    audio: Callable[..., bytes], tag_reader: TagReader, form: str, kind: Any
) -> None:
    stream = io.BytesIO(audio(6, form))
    file = kind(stream)
    file.update({"title": "鐘", "artist": [f"artist {number}" for number in range(60)], "isrc": "us-hm8-08-65849"})
    stream.seek(0)
    file.save(stream)
    tags = read(tag_reader, stream.getvalue())
    assert tags == read_tags(stream, sniff_stream(stream))
    assert (tags.title, len(tags.artists), tags.isrc) == ("鐘", 50, "USHM80865849")


def test_a_length_below_a_millisecond_is_unknown(audio: Callable[..., bytes], tag_reader: TagReader) -> None:
    content = bytearray(audio(6, "WAV"))
    # A sampling rate of two thousand million.
    content[24:28] = (2**31 - 1).to_bytes(4, "little")
    assert read(tag_reader, bytes(content)).duration_ms is None


def test_a_file_without_tags(audio: Callable[..., bytes], tag_reader: TagReader) -> None:
    for form in ("MP3", "FLAC", "OGG", "WAV", "AIFF"):
        assert read(tag_reader, audio(6, form)).duration_ms == pytest.approx(6000, abs=150)
    for content in (b"", b"no music", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", b"\x00\x00\x00\x18ftypM4A "):
        assert read(tag_reader, content) == MusicTags()


def test_no_tag_takes_more_memory_than_it_may(tmp_path: Path) -> None:
    # In a process of its own, since nobody can tell how much memory this one took before. Read here, some MB of
    # comments or a compressed title of 0.6 MB took up to 2.4 GB.
    program = subprocess.run([sys.executable, BOMBS, tmp_path], check=True, capture_output=True, text=True)
    report = json.loads(program.stdout)
    assert len(report["outcomes"]) == 20
    assert report["grown_kilobytes"] < 32_000
    assert report["child_kilobytes"] < 400_000
    for name in ("a compressed title.mp3", "a compressed comment.wav", "a compressed title.aiff"):
        assert report["outcomes"][name] == "TooDemanding: decoding needs more than 256 MB of memory"


def test_the_length_of_a_preview_is_read_there_too(audio: Callable[..., bytes], tag_reader: TagReader) -> None:
    check_duration(audio(6), tag_reader)
    with pytest.raises(PreviewUnusable, match=r"3\.0 s long"):
        check_duration(audio(3), tag_reader)
    reader: Any = FailingReader(TooDemanding("needs more than 256 MB"))
    check_duration(audio(3), reader)
    assert reader.count == 1


@dataclass
class FailingReader:
    """Reads no tags, and counts how often it was asked."""

    error: Exception
    count: int = 0

    def read(self, _: bytes | BinaryIO) -> MusicTags:
        self.count += 1
        raise self.error


@pytest.mark.parametrize(
    "response",
    [
        "b''",
        "b'[]'",
        "b'{\"title\": 1}'",
        "b'{\"title\": \"%b\"}' % (b'x' * 1001)",
        "b'{\"artists\": [%b]}' % b','.join([b'\"a\"'] * 51)",
        "b'{\"duration_ms\": -1}'",
        "b'{\"duration_ms\": 1e300}'",
        "b' ' * (1 << 21)",
    ],
)
def test_what_a_hostile_process_responds_is_checked(response: str) -> None:
    with TagReader() as reader:
        reader._function = "builtins:eval"
        with pytest.raises(DecoderCrashed):
            reader.read(response.encode())  # type: ignore[arg-type]
