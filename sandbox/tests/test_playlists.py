from dataclasses import replace

import pytest

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.playlists import (
    AWKWARD_PLAYLIST_ID,
    DEMO_PLAYLIST_ID,
    Episode,
    Library,
    LocalFile,
    Tombstone,
    Track,
    awkward_playlist,
    demo_playlist,
    generated_playlist,
    track,
)


def test_demo_playlist_has_all_pieces_and_a_fixed_id() -> None:
    demo = demo_playlist()
    assert {entry.spotify_id for entry in demo.entries if isinstance(entry, Track)} == {p.spotify_id for p in pieces()}
    assert len(demo.entries) == 48
    # Printed in documentation and typed by people, so it must never change.
    assert DEMO_PLAYLIST_ID == "3iKE5HEC3susKw5lNQpmnG"


def test_awkward_playlist_has_every_kind_of_entry() -> None:
    entries = awkward_playlist().entries
    kinds = [type(entry) for entry in entries]
    assert [kinds.count(kind) for kind in (LocalFile, Episode, type(None), Tombstone, Track)] == [1, 1, 1, 1, 7]
    tracks = [entry for entry in entries if isinstance(entry, Track)]
    assert tracks[0] == tracks[1]
    assert len({entry.linked_from or entry.spotify_id for entry in tracks}) == 6
    assert [entry.preview for entry in tracks].count(None) == [entry.preview for entry in tracks].count("") == 1
    assert sum(entry.isrc.islower() or entry.isrc != entry.isrc.upper() for entry in tracks) == 1


def test_snapshot_changes_with_the_entries() -> None:
    demo = demo_playlist()
    assert demo.snapshot_id == demo_playlist().snapshot_id
    assert replace(demo, entries=demo.entries[:-1]).snapshot_id != demo.snapshot_id
    assert len(demo.snapshot_id) == 32


def test_generated_tracks_are_unique_and_the_same_in_every_library() -> None:
    playlist = generated_playlist(120)
    tracks = [entry for entry in playlist.entries if isinstance(entry, Track)]
    for name in ("spotify_id", "isrc", "title", "preview"):
        assert len({getattr(entry, name) for entry in tracks}) == 120, name
    library = Library()
    assert library.playlist(playlist.spotify_id) == playlist
    assert all(library.track(entry.spotify_id) == entry for entry in tracks)
    assert all(library.track_by_preview(entry.preview or "") == entry for entry in tracks)
    assert {len(playlist.spotify_id), *(len(entry.spotify_id) for entry in tracks)} == {22}


@pytest.mark.parametrize("count", [-1, 1_000_001])
def test_generated_playlists_have_a_maximum_size(count: int) -> None:
    with pytest.raises(ValueError, match="0 to 1000000"):
        generated_playlist(count)
    assert Library().playlist("generated9999999999999") is None


def test_library_contains_what_was_added() -> None:
    library = Library()
    changed = replace(demo_playlist(), entries=(track(pieces()[3]),))
    library.add(changed)
    assert library.playlist(DEMO_PLAYLIST_ID) == changed
    assert library.playlist(AWKWARD_PLAYLIST_ID) == awkward_playlist()
    assert library.playlist("0" * 22) is library.track("0" * 22) is library.track_by_preview("0" * 40) is None
