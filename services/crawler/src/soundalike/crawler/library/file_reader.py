"""What a file of a library is: its identity, and what it says about itself, read in a confined process."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import Field, TypeAdapter, ValidationError

from soundalike.audio.audio_files import is_named_like_audio
from soundalike.audio.coded_audio.identity import MAX_DURATION_S, CodedAudio, identify, identify_whole
from soundalike.audio.errors import AudioError, DecoderCrashed, DecoderUnavailable, TooDemanding
from soundalike.audio.isolate import IsolatedFunction, Limits
from soundalike.audio.other_kind import OtherKind, other_kind
from soundalike.audio.sniff import AudioKind, locate, sniff_stream
from soundalike.audio.substream import Substream
from soundalike.audio.video import holds_video
from soundalike.crawler.music_tags import MusicTags, read_tags
from soundalike.domain.file_paths import display_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import BinaryIO

log = logging.getLogger(__name__)

_MAX_CRASHES: Final = 2
_SLOWEST_BYTES_PER_S: Final = 2_000_000
_LIMITS: Final = Limits(
    timeout_s=60.0,
    memory_bytes=256 << 20,
    max_response_bytes=1 << 20,
    cpu_s=lambda size: 10.0 + size / _SLOWEST_BYTES_PER_S,
    timeout_bytes_per_s=_SLOWEST_BYTES_PER_S,
)
"""Every byte is read, perhaps from a disk behind a slow network, and tags with covers of 50 MB get through."""

_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Front = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_MAX_FRONTS: Final = 64


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file that claims to be music is; `kind` is None for one that is not understood.

    `tags` is None where they could not be read. `sha256` is that of the whole file where it was asked for.
    """

    kind: AudioKind | None
    audio: CodedAudio
    tags: MusicTags | None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class _Response:
    """What the process responds of a file, to be checked: a hostile file may have taken it over."""

    kind: str | None
    digest: _Sha256 | None = None
    duration_ms: Annotated[int, Field(gt=0, le=MAX_DURATION_S * 1000)] | None = None
    tags: MusicTags | None = None
    sha256: _Sha256 | None = None
    fronts: Annotated[tuple[_Front, ...], Field(max_length=_MAX_FRONTS)] = ()
    is_video: bool = False

    def facts(self, stream: BinaryIO) -> FileFacts:
        """Return the facts; a file that is not understood is identified by its bytes."""
        if self.kind is None or self.digest is None:
            return FileFacts(None, identify_whole(stream), MusicTags(), self.sha256)
        audio = CodedAudio(self.digest, self.duration_ms, fronts=self.fronts)
        return FileFacts(AudioKind[self.kind], audio, self.tags, self.sha256)


_RESPONSE: Final = TypeAdapter(_Response)


def encode_facts(source: bytes | BinaryIO) -> bytes:
    """Return kind, identity and tags of a file as JSON; of a video only that it is one."""
    return _encode(_facts(_stream(source), is_video_read=False))


def encode_facts_with_checksum(source: bytes | BinaryIO) -> bytes:
    """Return the same as `encode_facts`, and the SHA-256 of the whole file."""
    return _encode(_with_checksum(_facts(_stream(source), is_video_read=False), source))


def encode_video_facts(source: bytes | BinaryIO) -> bytes:
    """Return the same as `encode_facts_with_checksum`, also of a video."""
    return _encode(_with_checksum(_facts(_stream(source), is_video_read=True), source))


def _facts(stream: BinaryIO, *, is_video_read: bool) -> _Response:
    located = locate(stream)
    if located is None:
        return _Response(None)
    kind = located.kind
    if not is_video_read and holds_video(Substream(stream, located.start) if located.start else stream, kind):
        return _Response(kind.name, is_video=True)
    coded = identify(stream)
    tags = read_tags(stream, kind)
    return _Response(kind.name, coded.digest, coded.duration_ms, tags, fronts=coded.fronts)


def _with_checksum(response: _Response, source: bytes | BinaryIO) -> _Response:
    if response.kind is None or response.is_video:
        return response
    return replace(response, sha256=identify_whole(_stream(source)).digest)


def encode_identity(source: bytes | BinaryIO) -> bytes:
    """Return kind and identity of a file as JSON, for one whose tags are too much."""
    stream = _stream(source)
    kind = sniff_stream(stream)
    coded = identify(stream)
    return _encode(_Response(kind.name if kind else None, coded.digest, coded.duration_ms, fronts=coded.fronts))


class FileReader:
    """Reads open files in confined processes, started with the first file; use it as a context manager or close it.

    One instance reads one file at a time. Videos are told as such, and read only where `include_video` says so.
    """

    def __init__(self, *, with_checksum: bool = False, include_video: bool = False, limits: Limits = _LIMITS) -> None:
        self._with_checksum = with_checksum
        self.include_video = include_video
        self._facts = _FileFunction(encode_facts_with_checksum if with_checksum else encode_facts, limits)
        self._identity = _FileFunction(encode_identity, limits)
        self._video_facts = _FileFunction(encode_video_facts, limits)

    def close(self) -> None:
        """End the processes, also during a reading."""
        self._facts.close()
        self._identity.close()
        self._video_facts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def read(self, stream: BinaryIO, path: bytes) -> FileFacts | OtherKind | None:
        """Return the facts of an open file that lies at `path`; None for no music that does not claim to be any.

        For what is recognised and not analysed, what kind it is.

        Where the file is too much for the process, its tags are left out, and in the end its sound. Raises `OSError`,
        and `DecoderUnavailable` and `InternalDecoderError` where nothing can be said of the file now.
        """
        if other := other_kind(stream):
            return other
        # A song behind much junk is looked for only where a name claims that there is one.
        if not is_named_like_audio(Path(display_path(path))) and sniff_stream(stream, far=False) is None:
            return None
        try:
            response = _twice(self._facts, stream)
            if response.is_video:
                if not self.include_video:
                    return OtherKind.VIDEO
                response = _twice(self._video_facts, stream)
            return response.facts(stream)
        except DecoderUnavailable:
            raise
        except (TooDemanding, DecoderCrashed) as error:
            return self._without_tags(stream, path, error)

    def _without_tags(self, stream: BinaryIO, path: bytes, failure: AudioError) -> FileFacts:
        log.warning("%s is named by its file: its tags cannot be read (%s)", display_path(path), failure)
        checksum = identify_whole(stream) if self._with_checksum else None
        try:
            response = _twice(self._identity, stream)
        except DecoderUnavailable:
            raise
        except (TooDemanding, DecoderCrashed):
            return FileFacts(None, checksum or identify_whole(stream), None, checksum.digest if checksum else None)
        facts = response.facts(stream)
        return FileFacts(facts.kind, facts.audio, None, checksum.digest if checksum else None)


class _FileFunction(IsolatedFunction):
    def __init__(self, function: Callable[[BinaryIO], bytes], limits: Limits) -> None:
        super().__init__(function, limits)

    def call(self, stream: BinaryIO) -> _Response:
        _, content = self._request(stream)
        try:
            response = _RESPONSE.validate_json(content)
        except ValidationError as error:
            raise self._invalid_response() from error
        if response.kind is not None and response.kind not in AudioKind.__members__:
            raise self._invalid_response()
        return response


def _twice(function: _FileFunction, stream: BinaryIO) -> _Response:
    """Call a process, and another one where the first crashes or is gone; what fails then is raised."""
    for _ in range(_MAX_CRASHES - 1):
        try:
            return function.call(stream)
        except DecoderCrashed:
            continue
    return function.call(stream)


def _stream(source: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source


def _encode(response: _Response) -> bytes:
    return json.dumps(asdict(response)).encode()
