"""From a piece of the catalogue to sound: compose, encode as MP3, cache."""

import io
import os
import threading
import zlib
from typing import Final

import numpy as np
import soundfile

from soundalike.sandbox.catalogue import Piece
from soundalike.sandbox.mixer import Stereo
from soundalike.sandbox.preview_cache import PreviewCache
from soundalike.sandbox.styles import STYLES
from soundalike.sandbox.synthesis import SAMPLE_RATE

_COMPOSERS: Final = {style.slug: style.compose for style in STYLES}
# libsndfile maps 0..1 to LAME's quality steps; the middle is about 128 kbit/s.
_COMPRESSION: Final = 0.5


def compose(piece: Piece) -> Stereo:
    """Return the piece's 30 s, float32 (1323000, 2) at 44.1 kHz; the same samples every time."""
    return _COMPOSERS[piece.style](np.random.default_rng([zlib.crc32(piece.style.encode()), piece.index]))


def encode_mp3(samples: Stereo) -> bytes:
    """Return samples, float32 (frames, channels) at 44.1 kHz, as an MP3 file with variable rate near 128 kbit/s."""
    target = io.BytesIO()
    soundfile.write(
        target,
        samples,
        SAMPLE_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
        compression_level=_COMPRESSION,
    )
    return target.getvalue()


class Previews:
    """MP3 previews by piece, composed on demand and cached in memory, about 0.5 MB each; thread-safe.

    With a `cache` they come from there, and what had to be composed goes there.
    """

    def __init__(self, cache: PreviewCache | None = None) -> None:
        self._cache = cache
        self._previews: dict[str, bytes] = {}
        self._piece_locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._cores = threading.BoundedSemaphore(os.cpu_count() or 1)

    def mp3(self, piece: Piece) -> bytes:
        """Return the piece's preview; a piece is composed once, and no more at a time than there are cores."""
        with self._lock:
            piece_lock = self._piece_locks.setdefault(piece.spotify_id, threading.Lock())
        with piece_lock:
            if piece.spotify_id not in self._previews:
                self._previews[piece.spotify_id] = self._from_cache(piece)
            return self._previews[piece.spotify_id]

    def _from_cache(self, piece: Piece) -> bytes:
        preview = None if self._cache is None else self._cache.get(piece.spotify_id)
        if preview is None:
            with self._cores:
                preview = encode_mp3(compose(piece))
            if self._cache is not None:
                self._cache.put(piece.spotify_id, preview)
        return preview


def add_title_tag(mp3: bytes, title: str) -> bytes:
    """Return an MP3 with an ID3v2.3 title in front: other bytes, the same sound (id3.org, ID3v2.3.0, section 3)."""
    text = b"\x01" + title.encode("utf-16")
    frame = b"TIT2" + len(text).to_bytes(4) + b"\x00\x00" + text
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + frame + mp3
