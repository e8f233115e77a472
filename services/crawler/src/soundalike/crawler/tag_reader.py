"""Reading the tags of files in a process of its own: a tag of a few kilobytes can unpack to gigabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from soundalike.audio.isolate import IsolatedFunction, Limits
from soundalike.crawler.music_tags import MusicTags, encode_tags

if TYPE_CHECKING:
    from typing import BinaryIO

_TAGS: Final = TypeAdapter(MusicTags)
_LIMITS: Final = Limits(timeout_s=60.0, memory_bytes=256 << 20, max_response_bytes=1 << 20)
"""Tags with covers of 50 MB get through; files may lie on a disk behind a slow network."""


class TagReader(IsolatedFunction):
    """Reads tags in a confined process (see `IsolatedFunction`), which is started with the first file."""

    def __init__(self, limits: Limits = _LIMITS) -> None:
        super().__init__(encode_tags, limits)

    def read(self, file: bytes | BinaryIO) -> MusicTags:
        """Return the tags of an open file, or of a file's content; damaged ones count as none.

        Raises `TooDemanding` where they need more memory or time than allowed, `DecoderCrashed`, `DecoderUnavailable`.
        """
        _, content = self._request(file)
        try:
            return _TAGS.validate_json(content)
        except ValidationError as error:
            raise self._invalid_response() from error
