from pathlib import Path

import numpy as np
import pytest

from soundalike.research.training.corpus import TrainingTrack, divide, read_tracks
from soundalike.research.training.errors import InvalidTrainingCorpus

ALBUMS = [name for name, count in {"a": 9, "b": 5, "c": 4, "d": 4, "e": 2, "f": 1}.items() for _ in range(count)]


def test_no_album_is_in_two_parts_and_parts_are_alike_in_size() -> None:
    part = divide(ALBUMS, 3, seed=1)
    for album in set(ALBUMS):
        assert len({int(part[i]) for i, name in enumerate(ALBUMS) if name == album}) == 1
    assert sorted(np.bincount(part)) == [8, 8, 9]


def test_division_depends_on_the_seed_alone() -> None:
    alike = list("abcdefghijkl") * 2
    np.testing.assert_array_equal(divide(alike, 3, seed=1), divide(alike, 3, seed=1))
    assert (divide(alike, 3, seed=1) != divide(alike, 3, seed=2)).any()


def test_more_parts_than_albums_are_refused() -> None:
    with pytest.raises(ValueError, match="6 albums cannot be divided into 7 parts"):
        divide(ALBUMS, 7, seed=0)


def test_a_recording_counts_once_however_often_it_is_listed(tmp_path: Path) -> None:
    rows = ["path,album,sha256", "a/1.ogg,a,11", "b/1.ogg,b,22", "c/1.ogg,c,33", "d/1.ogg,d,44", "d/2.ogg,d,11"]
    (tmp_path / "tracks.csv").write_text("\n".join(rows))
    tracks = read_tracks(tmp_path)
    assert tracks == [TrainingTrack(f"{album}/1.ogg", album) for album in "abcd"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("", "needs the columns"),
        ("path,album\nx,y\n", "needs the columns album, path, sha256"),
        ("path,album,sha256\nx,y,1\nz,y,2\n", "fewer than 4 albums"),
    ],
)
def test_an_unusable_list_is_refused_with_what_to_do(tmp_path: Path, content: str | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "tracks.csv").write_text(content)
    with pytest.raises(InvalidTrainingCorpus, match=complaint):
        read_tracks(tmp_path)
