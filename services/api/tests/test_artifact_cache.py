from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest

from soundalike.api.artifact_cache import ArtifactCache, PublishedArtifact
from soundalike.api.errors import InvalidVersion
from soundalike.storage.artifacts.manifest import MANIFEST, VersionManifest, file_entries
from soundalike.storage.artifacts.verification import VersionFiles
from soundalike.storage.atomic_files import sha256_of

from .conftest import CountingStore

if TYPE_CHECKING:
    from pathlib import Path


class Notes(VersionManifest):
    FILES: ClassVar = ("first.txt", "second.txt")

    format: Literal[1] = 1
    author: str


def read(directory: Path, manifest_sha256: str) -> str:
    with VersionFiles.open(directory, Notes, manifest_sha256) as version:
        return " ".join(file.read().decode() for file in version.files.values())


@pytest.fixture
def bucket() -> CountingStore:
    return CountingStore()


@pytest.fixture
def copies(tmp_path: Path, bucket: CountingStore) -> ArtifactCache:
    return ArtifactCache(tmp_path / "copies", bucket, Notes, "notes")


def write(directory: Path, version: str, text: str | None = None) -> None:
    directory.mkdir()
    for name in Notes.FILES:
        (directory / name).write_text(f"{text or version}/{name}")
    Notes(version=version, author="me", files=file_entries(directory, Notes.FILES)).write(directory)


async def publish(bucket: CountingStore, directory: Path, version: str) -> PublishedArtifact:
    write(directory, version)
    for name in (*Notes.FILES, MANIFEST):
        await bucket.upload(f"notes/{version}/{name}", directory / name)
    return PublishedArtifact(version, f"notes/{version}/", sha256_of(directory / MANIFEST), {"author": "me"})


async def test_is_fetched_once(copies: ArtifactCache, bucket: CountingStore, tmp_path: Path) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    assert await copies.open(published, read) == "v1/first.txt v1/second.txt"
    bucket.away = True
    again = ArtifactCache(tmp_path / "copies", bucket, Notes, "notes")
    assert await again.open(published, read) == "v1/first.txt v1/second.txt"


async def test_an_altered_copy_is_fetched_again(copies: ArtifactCache, bucket: CountingStore, tmp_path: Path) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    await copies.open(published, read)
    (tmp_path / "copies/v1/second.txt").write_text("V1/SECOND.TXT")
    assert await copies.open(published, read) == "v1/first.txt v1/second.txt"


async def test_a_link_in_the_place_of_a_copy_is_removed_and_never_followed(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    await copies.open(published, read)
    copy, elsewhere = tmp_path / "copies/v1", tmp_path / "elsewhere"
    copy.rename(elsewhere)
    copy.symlink_to(elsewhere)
    assert await copies.open(published, read) == "v1/first.txt v1/second.txt"
    assert copy.is_dir()
    assert not copy.is_symlink()
    assert (elsewhere / MANIFEST).exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"manifest_fields": {"author": "you"}}, "its manifest says author me, the database says you"),
        ({"version": "v2"}, "its manifest says version v1, the database says v2"),
        ({"manifest_sha256": "0" * 64}, "is not the one that was published"),
    ],
)
async def test_what_its_row_does_not_say_is_refused_before_its_files_come(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    with pytest.raises(InvalidVersion, match=message):
        await copies.open(replace(published, **changes), read)
    assert [key.rpartition("/")[2] for key in bucket.downloads] == [MANIFEST]
    assert not list((tmp_path / "copies").iterdir())


@pytest.mark.parametrize("name", ["../v1", "", ".v1", "v1/", "v1\n"])
async def test_a_name_that_leads_elsewhere_is_refused(copies: ArtifactCache, bucket: CountingStore, name: str) -> None:
    with pytest.raises(InvalidVersion, match="cannot be the name"):
        await copies.open(PublishedArtifact(name, "notes/v1/", "0" * 64), read)
    assert bucket.downloads == []


async def test_a_version_without_a_recorded_digest_is_refused(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    with pytest.raises(InvalidVersion, match="no digest"):
        await copies.open(replace(published, manifest_sha256=None), read)
    assert bucket.downloads == []


async def test_files_that_were_exchanged_together_with_their_manifest_are_refused(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    write(tmp_path / "forged", "v1", "forged")
    for name in (*Notes.FILES, MANIFEST):
        await bucket.upload(f"notes/v1/{name}", tmp_path / "forged" / name)
    with pytest.raises(InvalidVersion, match="is not the one that was published"):
        await copies.open(published, read)
    assert not list((tmp_path / "copies").iterdir())


async def test_a_copy_that_was_exchanged_together_with_its_manifest_is_fetched_again(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    await copies.open(published, read)
    write(tmp_path / "forged", "v1", "forged")
    for name in (*Notes.FILES, MANIFEST):
        (tmp_path / "forged" / name).replace(tmp_path / "copies/v1" / name)
    assert await copies.open(published, read) == "v1/first.txt v1/second.txt"


async def test_an_object_longer_than_its_manifest_says_is_not_fetched(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    await bucket.put("notes/v1/second.txt", b"x" * 1_000_000, "text/plain")
    with pytest.raises(InvalidVersion, match="has 1000000 bytes; the limit is 13"):
        await copies.open(published, read)
    assert not list((tmp_path / "copies").iterdir())


async def test_a_version_of_which_a_file_is_missing_is_refused(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    await bucket.delete("notes/v1/second.txt")
    with pytest.raises(InvalidVersion, match="incomplete"):
        await copies.open(published, read)
    assert not list((tmp_path / "copies").iterdir())


async def test_only_versions_and_old_remains_are_removed(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path
) -> None:
    await copies.keep_only("v0")
    for version in ("v1", "v2"):
        await copies.open(await publish(bucket, tmp_path / version, version), read)
    root = tmp_path / "copies"
    for name, age_s in (("under way", 10), ("remains", 7_200)):
        (root / f".partial-{name}").mkdir()
        (root / f".partial-{name}/first.txt").touch()
        os.utime(root / f".partial-{name}", (time.time() - age_s,) * 2)
    # As if another process had removed it between listing and looking.
    (root / ".partial-gone").symlink_to("nowhere")
    (root / "holiday").mkdir()
    (root / "holiday/photo.jpg").touch()
    (root / "note.txt").touch()
    await copies.keep_only("v2")
    assert {path.name for path in root.iterdir()} == {
        "v2",
        ".partial-under way",
        ".partial-gone",
        "holiday",
        "note.txt",
    }


@pytest.mark.parametrize("folder", ["copies", "copies/v1"])
async def test_a_folder_that_others_can_write_is_not_trusted(
    copies: ArtifactCache, bucket: CountingStore, tmp_path: Path, folder: str
) -> None:
    published = await publish(bucket, tmp_path / "written", "v1")
    await copies.open(published, read)
    fetched = len(bucket.downloads)
    (tmp_path / folder).chmod(0o777)
    if folder == "copies":
        with pytest.raises(InvalidVersion, match="other users can write to"):
            await copies.open(published, read)
        assert len(bucket.downloads) == fetched
    else:
        assert await copies.open(published, read) == "v1/first.txt v1/second.txt"
        assert len(bucket.downloads) == 2 * fetched
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700
