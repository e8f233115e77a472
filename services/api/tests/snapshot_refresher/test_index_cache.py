from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from soundalike.db.embeddings import StoredVector
from soundalike.db.models import EmbeddingModel
from soundalike.similarity.index.files import DATA_FILES, INDEX, VECTORS
from soundalike.storage.artifacts.manifest import MANIFEST

from ..conftest import upload_version, urn, vector
from .conftest import SMALL, Scene, stored_vectors


async def test_an_intact_copy_is_used_again_after_a_restart(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    fetched = len(scene.store.downloads)
    scene.refresher = scene.new_refresher()
    scene.store.away = True
    assert await scene.refresh() == ("v1", 20, 10)
    assert len(scene.store.downloads) == fetched


@pytest.mark.parametrize("name", DATA_FILES)
async def test_a_damaged_copy_is_fetched_again(scene: Scene, name: str) -> None:
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    copy = scene.directory / "cache" / "indexes" / "v1" / name
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.unlink()
    copy.write_bytes(content)
    scene.refresher = scene.new_refresher()
    assert await scene.refresh() == ("v1", 20, 10)
    assert copy.read_bytes() != bytes(content)


async def _corrupt(scene: Scene) -> None:
    version = await scene.publish("v2", up_to=30)
    content, when = scene.store.objects[version.location + INDEX]
    scene.store.objects[version.location + INDEX] = (content[:-1] + bytes([content[-1] ^ 1]), when)


async def _cut_short(scene: Scene) -> None:
    version = await scene.publish("v2", up_to=30)
    content, when = scene.store.objects[version.location + VECTORS]
    scene.store.objects[version.location + VECTORS] = (content[:-4], when)


async def _half_published(scene: Scene) -> None:
    await scene.publish("v2", up_to=30, leave_out=VECTORS)


async def _without_manifest(scene: Scene) -> None:
    await scene.publish("v2", up_to=30, leave_out=MANIFEST)


async def _of_another_name(scene: Scene) -> None:
    version = await scene.publish("v2", up_to=30)
    scene.source.versions["first"] = replace(version, version="v3")


async def _named_like_a_path(scene: Scene) -> None:
    version = await scene.publish("v2", up_to=30)
    scene.source.versions["first"] = replace(version, version="../v2")


async def _of_another_dimension(scene: Scene) -> None:
    wider = [StoredVector(seq, urn(seq), vector(seq, SMALL + 1)) for seq in range(1, 31)]
    scene.source.versions["first"] = await upload_version(
        scene.store, scene.directory / "v2", "v2", EmbeddingModel("first", SMALL + 1), wider
    )


@pytest.mark.parametrize(
    "damage",
    [
        _corrupt,
        _cut_short,
        _half_published,
        _without_manifest,
        _of_another_name,
        _named_like_a_path,
        _of_another_dimension,
    ],
)
@pytest.mark.parametrize("before", ["v1", None])
async def test_a_version_that_is_not_right_is_refused_and_the_one_before_stays(
    scene: Scene,
    damage,
    before: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if before:
        await scene.publish(before, up_to=20)
    stands = await scene.refresh()
    await damage(scene)
    with caplog.at_level(logging.ERROR):
        assert await scene.refresh() == stands
    assert "is invalid" in caplog.text
    assert scene.cached <= ({before} if before else set())
    scene.source.vectors["first"] += stored_vectors(31, 32)
    assert await scene.refresh() == (stands[0], stands[1], stands[2] + 1), "the tail goes on growing"
    assert caplog.text.count("is invalid") == 1, "an invalid version is not fetched at every look"
    await scene.publish("v4", up_to=31)
    assert await scene.refresh() == ("v4", 31, 0)


async def test_a_refused_version_is_tried_again_after_a_while(scene: Scene) -> None:
    await scene.refresh()
    version = await scene.publish("v1", up_to=20, leave_out=INDEX)
    assert await scene.refresh() == (None, 0, 30)
    await scene.store.upload(version.location + INDEX, scene.directory / "v1" / INDEX)
    scene.now = 29.0
    assert await scene.refresh() == (None, 0, 30)
    scene.now = 31.0
    assert await scene.refresh() == ("v1", 20, 10)


async def test_foreign_things_in_the_cache_directory_are_left_alone(scene: Scene) -> None:
    foreign = scene.directory / "cache" / "indexes" / "holiday"
    foreign.mkdir(parents=True)
    (foreign / "photo.jpg").write_bytes(b"precious")
    foreign.with_name("note.txt").write_text("remember")
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    assert (foreign / "photo.jpg").exists()
    assert scene.cached == {"holiday", "note.txt", "v1"}
