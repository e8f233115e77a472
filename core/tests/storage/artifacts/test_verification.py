from pathlib import Path

import pytest

from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.artifacts.verification import VersionFiles, path_of
from soundalike.storage.atomic_files import sha256_of

from .conftest import Notes

Written = tuple[Path, Notes]


def open_files(directory: Path) -> VersionFiles[Notes]:
    return VersionFiles.open(directory, Notes, sha256_of(directory / MANIFEST))


def test_whole_files_are_open_at_their_beginning(written: Written) -> None:
    directory, manifest = written
    with open_files(directory) as version:
        assert version.manifest == manifest
        assert {name: file.read().decode() for name, file in version.files.items()} == {
            name: f"this is the {name}" for name in Notes.FILES
        }
    assert all(file.closed for file in version.files.values())


@pytest.mark.parametrize("name", Notes.FILES)
def test_an_altered_file_is_named(written: Written, name: str) -> None:
    directory, _ = written
    (directory / name).write_text((directory / name).read_text().upper())
    with pytest.raises(CorruptVersion, match=f"{name} of version v1 was altered"):
        open_files(directory)


@pytest.mark.parametrize("name", Notes.FILES)
def test_a_file_cut_short_is_named(written: Written, name: str) -> None:
    directory, _ = written
    (directory / name).write_text("this")
    with pytest.raises(CorruptVersion, match=f"{name} of version v1 has 4 bytes instead of"):
        open_files(directory)


@pytest.mark.parametrize("name", [*Notes.FILES, MANIFEST])
def test_a_missing_file_is_named(written: Written, name: str) -> None:
    directory, _ = written
    digest = sha256_of(directory / MANIFEST)
    (directory / name).unlink()
    with pytest.raises(CorruptVersion, match=f"{name}: No such file"):
        VersionFiles.open(directory, Notes, digest)


def test_a_manifest_that_was_not_published_is_refused(written: Written) -> None:
    directory, manifest = written
    digest = sha256_of(directory / MANIFEST)
    (directory / "first.txt").write_text("forged")
    (directory / MANIFEST).write_text(manifest.to_json().replace(manifest.files["first.txt"].sha256, "0" * 64))
    with pytest.raises(CorruptVersion, match=r"manifest\.json is not the one that was published"):
        VersionFiles.open(directory, Notes, digest)


def test_what_an_earlier_release_noted_as_verified_is_verified_again(written: Written) -> None:
    directory, _ = written
    (directory / "first.txt").write_text("THIS IS THE FIRST.TXT")
    status = {name: (directory / name).stat() for name in (*Notes.FILES, MANIFEST)}
    stats = {name: [s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino] for name, s in status.items()}
    (directory / "checked.json").write_text(str(stats).replace("'", '"'))
    with pytest.raises(CorruptVersion, match="was altered"):
        open_files(directory)


def test_the_open_file_is_reached_whatever_has_got_its_name(written: Written) -> None:
    directory, _ = written
    with open_files(directory) as version:
        (directory / "first.txt").unlink()
        (directory / "first.txt").write_text("another")
        assert Path(path_of(version.files["first.txt"])).read_text() == "this is the first.txt"


def test_a_link_is_no_file_of_a_version(written: Written, tmp_path: Path) -> None:
    directory, _ = written
    (directory / "first.txt").rename(tmp_path / "elsewhere")
    (directory / "first.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptVersion, match=r"first\.txt"):
        open_files(directory)
