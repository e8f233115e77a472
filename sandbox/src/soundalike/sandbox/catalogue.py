"""The 48 pieces of the demo by name: titles, artists, albums and identifiers, without their sound."""

import hashlib
import string
from dataclasses import dataclass
from functools import cache
from typing import Final

from soundalike.sandbox.errors import UnknownPiece
from soundalike.sandbox.styles import STYLES

PIECES_PER_STYLE: Final = 6
_BASE_62: Final = string.digits + string.ascii_lowercase + string.ascii_uppercase


@dataclass(frozen=True)
class Piece:
    """One recording of the catalogue.

    `duration_ms` is the length of the invented full recording; only its 30 s preview exists, as on the real
    services. The ISRC begins with ZZ, a country code that is never assigned, so it matches no real recording.
    """

    style: str
    index: int
    title: str
    artist: str
    album: str
    isrc: str
    spotify_id: str
    duration_ms: int

    @property
    def preview_hash(self) -> str:
        """40 hexadecimal digits that name the preview in its URL."""
        return digest("preview", self.spotify_id)[:40]


def digest(*parts: object) -> str:
    """Return the hexadecimal SHA-256 of the parts: the source of every invented identifier."""
    return hashlib.sha256("/".join(("soundalike-sandbox", *map(str, parts))).encode()).hexdigest()


def spotify_id(*parts: object) -> str:
    """Return a Spotify id, 22 base-62 characters that stand for 128 bits, derived from the parts."""
    number = int(digest(*parts)[:32], 16)
    characters = []
    for _ in range(22):
        number, rest = divmod(number, 62)
        characters.append(_BASE_62[rest])
    return "".join(reversed(characters))


@cache
def pieces() -> tuple[Piece, ...]:
    """Return all pieces, style by style."""
    return tuple(
        Piece(
            style=style.slug,
            index=index,
            title=style.titles[index],
            artist=style.artists[index // 2],
            album=style.albums[index // 2],
            isrc=f"ZZSBX26{number * PIECES_PER_STYLE + index + 1:05d}",
            spotify_id=spotify_id("track", style.slug, index),
            duration_ms=140_000 + int(digest("duration", style.slug, index)[:8], 16) % 180_000,
        )
        for number, style in enumerate(STYLES)
        for index in range(PIECES_PER_STYLE)
    )


@cache
def _pieces_by_name() -> dict[str, Piece]:
    return {name: piece for piece in pieces() for name in (piece.spotify_id, piece.title.casefold())}


def piece_of(track_id_or_title: str) -> Piece:
    """Return the piece with a Spotify id, a `spotify:track:` URN or a title; UnknownPiece if there is none."""
    text = track_id_or_title.strip().removeprefix("spotify:track:")
    piece = _pieces_by_name().get(text) or _pieces_by_name().get(text.casefold())
    if piece is None:
        raise UnknownPiece(f"{track_id_or_title!r} is no piece of the sandbox: it has {len(pieces())} titles and ids")
    return piece


def style_of(track_id_or_title: str) -> str:
    """Return the slug of a piece's style; takes what `piece_of` takes and raises as it does."""
    return piece_of(track_id_or_title).style
