from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.research.evaluation.corpus import Entry, Track, identify, is_query, label, read
from soundalike.research.evaluation.errors import InvalidCorpus

if TYPE_CHECKING:
    from pathlib import Path


def table(folder: Path, text: str) -> Path:
    (folder / "tracks.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_table_needs_only_path_and_album(tmp_path: Path) -> None:
    folder = table(tmp_path, "path,album\na/1.ogg,A\n")
    assert read(folder) == [Entry("a/1.ogg", "A")]


def test_more_columns_are_read_where_there_are_any(tmp_path: Path) -> None:
    folder = table(tmp_path, "sha256,artist,path,title,album\nff,Me,1.ogg,Song,A\n,,2.ogg,,A\n")
    assert read(folder) == [Entry("1.ogg", "A", "Me", "Song"), Entry("2.ogg", "A")]


def test_without_a_table_folders_are_albums(tmp_path: Path) -> None:
    for name in ("b/2.mp3", "b/1.mp3", "a/deep/3.flac", "loose.ogg", "b/cover.jpg", ".hidden/4.mp3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted((entry.path, entry.album) for entry in read(tmp_path)) == [
        (".hidden/4.mp3", ".hidden"),
        ("a/deep/3.flac", "a/deep"),
        ("b/1.mp3", "b"),
        ("b/2.mp3", "b"),
        ("loose.ogg", ""),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("path,artist\n1.ogg,Me\n", "lacks the column album"),
        ("name\nx\n", "lacks the column path and album"),
        ("path,album\n", "lists no music"),
        ("", "lists no music"),
        ("path,album\n/etc/1.ogg,A\n", "line 2 .* below the folder"),
        ("path,album\n1.ogg,A\n../1.ogg,A\n", "line 3 .* below the folder"),
        ("path,album\n,A\n", "below the folder"),
        ("path,album\n1.ogg,A\n1.ogg,B\n", "1.ogg more than once"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InvalidCorpus, match=complaint):
        read(table(tmp_path, text))


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_bytes(b"path,album\n\xff\xfe,A\n")
    with pytest.raises(InvalidCorpus, match="UTF-8"):
        read(tmp_path)


def test_a_folder_without_music_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCorpus, match="holds no audio"):
        read(tmp_path)
    with pytest.raises(InvalidCorpus, match="not a folder"):
        read(tmp_path / "missing")


def test_the_same_content_counts_once_and_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "b.ogg").write_bytes(b"one")
    (tmp_path / "a.ogg").write_bytes(b"one")
    (tmp_path / "c.ogg").write_bytes(b"two")
    entries = [Entry(name, "A") for name in ("b.ogg", "c.ogg", "a.ogg", "gone.ogg")]
    tracks, skipped = identify(tmp_path, entries)
    assert [track.entry.path for track in tracks] == ["a.ogg", "c.ogg"]
    assert [(one.path, one.reason) for one in skipped] == [
        ("b.ogg", "it has the same content as a.ogg"),
        ("gone.ogg", "it cannot be read: No such file or directory"),
    ]


def test_labels_number_albums_and_known_artists() -> None:
    entries = [
        Entry("1", "A", "Me"),
        Entry("2", "B", "me "),
        Entry("3", "A", "<Unknown>"),
        Entry("4", "", "You"),
        Entry("5", "", "Various Artists"),
    ]
    labels = label([Track(entry, sha) for entry, sha in zip(entries, "ecbda", strict=True)])
    assert labels.albums.tolist() == [0, 1, 0, 2, 3]
    assert labels.artists.tolist() == [0, 0, -1, 1, -1]
    assert labels.tie_order.tolist() == [4, 2, 1, 3, 0]


def test_only_albums_of_three_are_asked_for() -> None:
    labels = label([Track(Entry(str(number), album), str(number)) for number, album in enumerate("AABBBC")])
    assert is_query(labels.albums).tolist() == [False, False, True, True, True, False]
    assert not is_query(label([Track(Entry(str(number), "A"), str(number)) for number in range(4)]).artists).any()
