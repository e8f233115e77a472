import pytest

from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId
from soundalike.storage.object_keys import index_prefix, preview_key, track_of_preview


@pytest.mark.parametrize("urn", ["spotify:track:6rqhFgbbKwnb9MLmUQDhG6", "file:track:" + "0f" * 32, "deezer:track:1"])
def test_a_preview_leads_back_to_its_track(urn: str) -> None:
    track = TrackId.from_urn(urn)
    key = preview_key(track, "mp3")
    assert key == f"previews/{track.source}/{track.key}.mp3"
    assert track_of_preview(key) == track


@pytest.mark.parametrize(
    "key",
    ["previews/spotify/x.mp3", "previews/spotify/6rqhFgbbKwnb9MLmUQDhG6", "queries/spotify/6rqhFgbbKwnb9MLmUQDhG6.mp3",
     "previews/a/b/c.mp3", "previews/deezer/1.tar.gz", ""],
)  # fmt: skip
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(InvalidTrackId):
        track_of_preview(key)


def test_an_extension_is_no_path() -> None:
    with pytest.raises(ValueError, match="extension"):
        preview_key(TrackId("deezer", "1"), "../x")


def test_index_prefix() -> None:
    assert index_prefix("m", "v") == "indexes/m/v/"
