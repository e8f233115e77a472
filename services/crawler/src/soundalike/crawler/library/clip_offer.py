"""Clips of music files, each encoded when it is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.audio.clip import CLIP_KIND
from soundalike.audio.decoder_pool import ClipEncoderPool
from soundalike.audio.errors import (
    AudioError,
    DecoderCrashed,
    DecoderUnavailable,
    InternalDecoderError,
    NotAudio,
    Protected,
    Silent,
    TooDemanding,
    TooShort,
    Truncated,
)
from soundalike.audio.isolate import IsolatedClipEncoder
from soundalike.crawler.entries import Preview, Provenance
from soundalike.crawler.errors import PreviewUnavailable, PreviewUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.audio.recording import Milliseconds

_CLIP_ENCODERS: Final = 2
_CLIP_TIMEOUT_S: Final = 60.0
"""Files may lie on a disk behind a slow network."""

_MAX_CRASHES: Final = 2
_PROVENANCE: Final = Provenance("file", "cut")
_REASONS: Final[dict[type[AudioError], str]] = {
    NotAudio: "not audio",
    Protected: "protected by DRM",
    TooShort: "too short",
    Silent: "silent",
    Truncated: "cut short",
    TooDemanding: "too demanding",
}


@dataclass(frozen=True, slots=True)
class ClipOffer:
    """A clip of a file, or of a segment of it, encoded when it is fetched."""

    path: Path
    encoders: ClipEncoderPool
    segment: Milliseconds | None = None

    async def fetch(self) -> Preview:
        """Encode the clip (see `crawler.entries.PreviewOffer`)."""
        try:
            return Preview(await self._encode(), CLIP_KIND, _PROVENANCE)
        except DecoderUnavailable as error:
            raise PreviewUnavailable("the decoder process fails", str(error)) from error
        except InternalDecoderError as error:
            raise PreviewUnavailable("an error in the decoder", str(error)) from error
        except DecoderCrashed as error:
            # A file that kills one process after the other will never be decoded.
            raise PreviewUnusable("cannot be decoded", str(error)) from error
        except AudioError as error:
            raise PreviewUnusable(_REASONS.get(type(error), "cannot be decoded"), str(error)) from error
        except OSError as error:
            raise PreviewUnavailable("the file cannot be read", str(error)) from error

    async def _encode(self) -> bytes:
        for _ in range(_MAX_CRASHES - 1):
            try:
                return await self.encoders.encode(self.path, self.segment)
            except DecoderUnavailable:
                raise
            except DecoderCrashed:
                continue
        return await self.encoders.encode(self.path, self.segment)


def clip_encoder_pool() -> ClipEncoderPool:
    """Return the clip encoders of a crawl, to be closed by the caller."""
    return ClipEncoderPool(_CLIP_ENCODERS, lambda: IsolatedClipEncoder(timeout_s=_CLIP_TIMEOUT_S))
