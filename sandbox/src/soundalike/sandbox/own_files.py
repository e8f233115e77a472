"""Recordings of one's own: composed pieces that no service has, as files in a folder."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import soundfile

from soundalike.sandbox.catalogue import PIECES_PER_STYLE, pieces
from soundalike.sandbox.composer import compose
from soundalike.sandbox.synthesis import SAMPLE_RATE

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.sandbox.preview_cache import PreviewCache

ALBUM: Final = "Own Recordings"

_ENCODINGS: Final = {
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".flac": ("FLAC", "PCM_16"),
    ".aiff": ("AIFF", "PCM_16"),
    ".wav": ("WAV", "PCM_16"),
}


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file by its name: a piece in one of the styles of the catalogue, of 30 s."""

    name: str
    title: str
    artist: str
    style: str


OWN_FILES: Final = (
    OwnFile("harbour.mp3", "Harbour at Four", "Mirela Okafor", "ambient"),
    OwnFile("kiln.flac", "Kiln", "Mirela Okafor", "techno"),
    # Browsers play no AIFF, so that it has to be transcoded for them.
    OwnFile("orchard.aiff", "Orchard at Dusk", "Jonas Ebner", "gamelan"),
    OwnFile("ferry.wav", "Ferry Blues", "Jonas Ebner", "blues"),
)


def write_own_files(folder: Path, cache: PreviewCache) -> None:
    """Write `OWN_FILES` with their tags into a folder; one that is there stays. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, own in enumerate(OWN_FILES):
        path = folder / own.name
        if path.exists():
            continue
        content = cache.get(own.name)
        if content is None:
            content = _encode(own, number)
            cache.put(own.name, content)
        # A file that is half written must not pass for one that is there.
        part = path.with_name(f".{own.name}.part")
        part.write_bytes(content)
        part.replace(path)


def _encode(own: OwnFile, number: int) -> bytes:
    first = next(piece for piece in pieces() if piece.style == own.style)
    samples = compose(replace(first, index=PIECES_PER_STYLE + number))
    target = io.BytesIO()
    encoding, subtype = _ENCODINGS[own.name[own.name.rindex(".") :]]
    with soundfile.SoundFile(target, "w", SAMPLE_RATE, samples.shape[1], format=encoding, subtype=subtype) as file:
        file.title, file.artist, file.album = own.title, own.artist, ALBUM
        file.write(samples)
    return target.getvalue()
