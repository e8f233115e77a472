import re
from collections import Counter

import pytest

from soundalike.sandbox.catalogue import PIECES_PER_STYLE, pieces, style_of
from soundalike.sandbox.errors import UnknownPiece
from soundalike.sandbox.styles import STYLES


def test_eight_styles_of_six_pieces() -> None:
    assert Counter(piece.style for piece in pieces()) == {style.slug: PIECES_PER_STYLE for style in STYLES}
    assert (len(STYLES), PIECES_PER_STYLE) == (8, 6)


@pytest.mark.parametrize("name", ["title", "isrc", "spotify_id", "preview_hash", "duration_ms"])
def test_names_and_ids_are_unique(name: str) -> None:
    assert len({getattr(piece, name) for piece in pieces()}) == 48


def test_artist_and_album_hold_two_pieces_each_and_stay_within_a_style() -> None:
    assert set(Counter((piece.style, piece.artist, piece.album) for piece in pieces()).values()) == {2}
    assert len({piece.artist for piece in pieces()}) == len({piece.album for piece in pieces()}) == 24


def test_identifiers_have_the_form_of_real_ones() -> None:
    for piece in pieces():
        assert re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", piece.isrc)
        assert re.fullmatch(r"[0-9A-Za-z]{22}", piece.spotify_id)
        assert re.fullmatch(r"[0-9a-f]{40}", piece.preview_hash)


def test_style_of_takes_id_urn_and_title() -> None:
    for piece in pieces():
        for name in (piece.spotify_id, f"spotify:track:{piece.spotify_id}", piece.title, f" {piece.title.upper()} "):
            assert style_of(name) == piece.style


@pytest.mark.parametrize("name", ["", "Yesterday", "spotify:album:1", "4oeRfmp9XpKWym6YD1WvBP"])
def test_style_of_raises_for_unknown_names(name: str) -> None:
    with pytest.raises(UnknownPiece, match="no piece of the sandbox"):
        style_of(name)
