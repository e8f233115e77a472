import os
from pathlib import Path

import pytest

from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.artifacts.verification import verify
from soundalike.storage.atomic_files import sha256_of

from .conftest import Notes

Written = tuple[Path, Notes]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that are read for their checksum, as that happens."""
    names: list[str] = []

    def watched(path: Path) -> str:
        names.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr("soundalike.storage.artifacts.verification.sha256_of", watched)
    return names


@pytest.mark.parametrize("name", Notes.FILES)
def test_an_altered_file_is_named(written: Written, name: str) -> None:
    directory, manifest = written
    (directory / name).write_text((directory / name).read_text().upper())
    with pytest.raises(CorruptVersion, match=f"{name} of version v1 was altered"):
        verify(directory, manifest)


@pytest.mark.parametrize("name", Notes.FILES)
def test_a_file_cut_short_is_named(written: Written, name: str) -> None:
    directory, manifest = written
    (directory / name).write_text("this")
    with pytest.raises(CorruptVersion, match=f"{name} of version v1 has 4 bytes instead of"):
        verify(directory, manifest)


@pytest.mark.parametrize("name", [*Notes.FILES, MANIFEST])
def test_a_missing_file_is_named(written: Written, name: str) -> None:
    directory, manifest = written
    (directory / name).unlink()
    with pytest.raises(CorruptVersion, match=f"{name} of version v1: No such file"):
        verify(directory, manifest)


def test_what_was_checked_is_not_read_again(written: Written, read: list[str]) -> None:
    verify(*written)
    assert read == list(Notes.FILES)
    verify(*written)
    assert read == list(Notes.FILES)


@pytest.mark.parametrize("name", [*Notes.FILES, MANIFEST])
def test_what_has_changed_since_is_read_again(written: Written, read: list[str], name: str) -> None:
    directory, manifest = written
    verify(directory, manifest)
    os.utime(directory / name, ns=(0, 0))
    read.clear()
    verify(directory, manifest)
    assert read == list(Notes.FILES)
    (directory / "second.txt").write_text("THIS IS THE SECOND.TXT")
    with pytest.raises(CorruptVersion, match="was altered"):
        verify(directory, manifest)


@pytest.mark.parametrize("note", ["", "{}", "[1, 2]", "not JSON"])
def test_an_odd_note_says_nothing(written: Written, read: list[str], note: str) -> None:
    directory, manifest = written
    (directory / "checked.json").write_text(note)
    verify(directory, manifest)
    assert read == list(Notes.FILES)


def test_a_folder_that_cannot_be_written_to_is_read_each_time(
    written: Written, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, manifest = written

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refused)
    verify(directory, manifest)
    verify(directory, manifest)
    assert read == [*Notes.FILES, *Notes.FILES]
