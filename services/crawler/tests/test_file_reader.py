"""Files are read in confined processes: what they are, how long, and what their tags say."""

from __future__ import annotations

import hashlib
import io
import logging
import zlib
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC

from soundalike.audio.coded_audio.identity import identify
from soundalike.audio.errors import DecoderCrashed, DecoderUnavailable, InternalDecoderError, TooDemanding
from soundalike.audio.other_kind import OtherKind
from soundalike.audio.sniff import AudioKind
from soundalike.crawler.library.file_reader import FileFacts, FileReader, _Response
from soundalike.crawler.music_tags import MusicTags
from soundalike.testing.films import film

if TYPE_CHECKING:
    from collections.abc import Callable


def read(reader: FileReader, content: bytes, path: bytes = b"song.flac") -> FileFacts | OtherKind | None:
    with NamedTemporaryFile() as written:
        written.write(content)
        written.flush()
        with open(written.name, "rb") as file:  # noqa: PTH123 - as a scan opens it
            return reader.read(file, path)


def test_one_request_tells_kind_identity_length_and_tags(audio: Callable[..., bytes], file_reader: FileReader) -> None:
    stream = io.BytesIO(audio(6))
    file = FLAC(stream)
    file["title"] = "Glöckchen"
    stream.seek(0)
    file.save(stream)
    facts = read(file_reader, stream.getvalue())
    assert isinstance(facts, FileFacts)
    assert facts.audio == identify(io.BytesIO(audio(6)))
    assert (facts.kind, facts.audio.duration_ms) == (AudioKind.FLAC, 6000)
    assert facts.tags is not None
    assert facts.tags.title == "Glöckchen"
    assert facts.sha256 == hashlib.sha256(stream.getvalue()).hexdigest()


@pytest.mark.parametrize("content", [b"no music", b"no music" * 300, b"no music" * 30_000])
def test_no_music_is_read_only_where_its_name_claims_to_be_any(file_reader: FileReader, content: bytes) -> None:
    assert read(file_reader, content, b"notes.txt") is None
    facts = read(file_reader, content, b"caf\xe9.mp3")
    assert isinstance(facts, FileFacts)
    assert (facts.kind, facts.audio.digest) == (None, hashlib.sha256(content).hexdigest())
    assert (facts.tags, facts.audio.duration_ms) == (MusicTags(), None)


def test_a_song_behind_much_junk_is_looked_for_where_a_name_claims_it(
    audio: Callable[..., bytes], file_reader: FileReader
) -> None:
    content = b"x" * 100_000 + audio(6, "MP3")
    assert read(file_reader, content, b"picture.jpg") is None
    facts = read(file_reader, content, b"song.mp3")
    assert isinstance(facts, FileFacts)
    assert facts.audio == identify(io.BytesIO(audio(6, "MP3")))
    # A name that claims nothing makes no difference to what is found without it.
    assert read(file_reader, audio(6, "MP3"), b"song.bin") == read(file_reader, audio(6, "MP3"), b"song.mp3")


def test_a_video_is_told_and_read_only_where_that_is_asked_for(file_reader: FileReader) -> None:
    content = film("mp4", "aac", "mpeg4")
    assert read(file_reader, content, b"clip.mp4") is OtherKind.VIDEO
    assert read(file_reader, film("matroska", "flac", "mpeg4"), b"clip") is OtherKind.VIDEO
    with FileReader(include_video=True) as reader:
        facts = read(reader, content, b"clip.mp4")
    assert isinstance(facts, FileFacts)
    assert facts.kind is AudioKind.M4A
    assert facts.audio == identify(io.BytesIO(content))


def test_music_that_is_no_sound_is_told_also_where_a_name_claims_that_it_is(file_reader: FileReader) -> None:
    assert read(file_reader, b"MThd\0\0\0\x06", b"song.mp3") is OtherKind.MIDI
    assert read(file_reader, b"OFR " + bytes(100), b"song.ofr") is OtherKind.OPTIMFROG


def test_a_length_to_which_no_file_can_be_read_is_damage_and_no_failure_of_the_disk(file_reader: FileReader) -> None:
    target = io.BytesIO()
    soundfile.write(target, np.sin(np.arange(96_000) / 5), 12_000, format="W64", subtype="PCM_16")
    content = target.getvalue()
    at = content.index(b"fmt ") + 16
    facts = read(file_reader, content[:at] + b"\xff" * 7 + b"\x7f" + content[at + 8 :], b"song.w64")
    assert isinstance(facts, FileFacts)
    assert facts.kind is AudioKind.W64


def packed_title(megabytes: int) -> bytes:
    """An ID3 tag with a title of so many megabytes, compressed to a thousandth (ID3v2.4 structure, 4.1.2)."""

    def synchsafe(number: int) -> bytes:
        return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))

    packer = zlib.compressobj(9)
    content = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(megabytes)), packer.flush()])
    frame = b"TIT2" + synchsafe(len(content) + 4) + b"\0\x09" + synchsafe(200 << 20) + content
    return b"ID3\x04\0\0" + synchsafe(len(frame)) + frame


def test_tags_that_are_too_much_leave_the_identity(audio: Callable[..., bytes], file_reader: FileReader) -> None:
    content = audio(6, "MP3")
    facts = read(file_reader, packed_title(600) + content, b"song.mp3")
    assert isinstance(facts, FileFacts)
    assert (facts.kind, facts.tags) == (AudioKind.MP3, None)
    assert facts.audio == identify(io.BytesIO(content))


class FailingFunction:
    """A process that fails with each of some errors in turn, and counts the calls."""

    def __init__(self, *errors: Exception, response: _Response | None = None) -> None:
        self.errors = list(errors)
        self.response = response
        self.count = 0

    def call(self, _: Any) -> _Response:
        self.count += 1
        if self.errors and (error := self.errors.pop(0)):
            raise error
        assert self.response is not None
        return self.response


CRASH, GONE, LARGE = DecoderCrashed("died"), DecoderUnavailable("killed"), TooDemanding("256 MB")


@pytest.mark.parametrize(("errors", "attempts"), [((CRASH, CRASH), 2), ((GONE, CRASH), 2), ((LARGE,), 1)])
def test_what_a_file_does_to_the_process_costs_its_tags_only(
    audio: Callable[..., bytes], caplog: pytest.LogCaptureFixture, errors: tuple[Exception, ...], attempts: int
) -> None:
    reader = FileReader()
    function: Any = FailingFunction(*errors)
    reader._facts.close()
    reader._facts = function
    with caplog.at_level(logging.WARNING):
        facts = read(reader, audio(6))
    reader._identity.close()
    assert facts == FileFacts(AudioKind.FLAC, identify(io.BytesIO(audio(6))), None)
    assert function.count == attempts
    assert f"song.flac is named by its file: its tags cannot be read ({errors[-1]})" in caplog.text


def test_a_file_that_nothing_can_read_is_identified_by_its_bytes(audio: Callable[..., bytes]) -> None:
    reader = FileReader()
    crashing: Any = FailingFunction(*[CRASH] * 4)
    reader._facts = reader._identity = crashing
    facts = read(reader, audio(6))
    assert isinstance(facts, FileFacts)
    assert (facts.kind, facts.tags) == (None, None)
    assert facts.audio.digest == hashlib.sha256(audio(6)).hexdigest()


@pytest.mark.parametrize("error", [GONE, InternalDecoderError("no codec")])
def test_what_says_nothing_about_the_file_is_raised(audio: Callable[..., bytes], error: Exception) -> None:
    reader = FileReader()
    function: Any = FailingFunction(error, error)
    reader._facts = function
    with pytest.raises(type(error)):
        read(reader, audio(6))


@pytest.mark.parametrize(
    "response",
    [
        "b''",
        "b'[]'",
        "b'{}'",
        'b\'{"kind": "NOTHING"}\'',
        'b\'{"kind": "MP3", "digest": "%b"}\' % (b\'x\' * 64)',
        'b\'{"kind": "MP3", "digest": "%b", "duration_ms": 0}\' % (b\'0\' * 64)',
        'b\'{"kind": "MP3", "digest": "%b", "tags": {"title": 1}}\' % (b\'0\' * 64)',
        'b\'{"kind": null, "sha256": "../"}\'',
        "b' ' * (1 << 21)",
    ],
)
def test_what_a_hostile_process_responds_is_checked(response: str) -> None:
    with FileReader() as reader:
        reader._facts._function = "builtins:eval"
        with pytest.raises(DecoderCrashed):
            reader._facts.call(response.encode())  # type: ignore[arg-type]
