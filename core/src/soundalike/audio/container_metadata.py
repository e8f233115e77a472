"""What FFmpeg's demuxers read of a container's tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from soundalike.audio.errors import Undecodable
from soundalike.audio.ffmpeg_container import TAGS_OF_ANY_ENCODING
from soundalike.audio.substream import Substream

if TYPE_CHECKING:
    from typing import BinaryIO


def read_metadata(stream: BinaryIO, demuxer: str) -> tuple[list[tuple[str, str]], float]:
    """Return names and values of a container's tags, and the length in seconds that it declares, 0 for none.

    Those of the first audio stream stand behind those of the container. Raises `Undecodable`.
    """
    try:
        with av.open(Substream(stream), format=demuxer, **TAGS_OF_ANY_ENCODING) as container:
            streams = container.streams.audio[:1]
            pairs = [pair for part in (container, *streams) for pair in part.metadata.items()]
            return pairs, (container.duration or 0) / av.time_base
    except av.error.MemoryError:
        raise
    except av.FFmpegError as error:
        raise Undecodable(f"FFmpeg cannot read it ({error.strerror})") from error
