from __future__ import annotations

import asyncio
import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest

from soundalike.db import index_versions, models
from soundalike.db.database import connect
from soundalike.db.index_versions import VersionState
from soundalike.db.models import EmbeddingModel
from soundalike.errors import StoreUnavailable, UnusableDirectory
from soundalike.indexer import publisher
from soundalike.indexer.build_dir import BuildDir
from soundalike.indexer.errors import BuilderBusy, NoSuchVersion, NothingToIndex, RecallTooLow
from soundalike.indexer.settings import IndexerSettings
from soundalike.indexer.taste_indexer import TasteIndexer
from soundalike.indexer.worker import Indexer
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.version import IndexVersion
from soundalike.storage.object_store import MemoryStore, S3Store, s3_client
from soundalike.testing.wait import eventually, scale

from .conftest import MODEL, AddTracks, names_in, track_of, vector_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from soundalike.db.database import Pool
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.storage.object_store import ObjectSummary


@pytest.fixture
def work_folder(settings: IndexerSettings) -> Path:
    assert settings.index_work_dir is not None
    return settings.index_work_dir


def only_folder(parent: Path) -> Path:
    (folder,) = parent.iterdir()
    return folder


async def test_publishes_to_a_real_bucket_what_readers_can_open(
    aws_environment: object,
    pool: Pool,
    add_tracks: AddTracks,
    settings: IndexerSettings,
    tmp_path: Path,
    work_folder: Path,
) -> None:
    settings = IndexerSettings(**settings.model_dump(exclude={"aws_endpoint_url", "aws_default_region"}))
    s3_client(settings).create_bucket(Bucket=settings.s3_bucket)
    await add_tracks(range(60))
    store = S3Store.connect(settings)
    version = await Indexer(pool, store, settings).build()
    assert await index_versions.get_published(pool, MODEL.model) is not None
    for name in Manifest.all_files():
        await store.download(version.location + name, tmp_path / name, max_bytes=10**9)
    with IndexVersion.open(tmp_path, version.manifest_sha256 or "") as opened:
        assert (len(opened), opened.manifest.up_to_seq, opened.manifest.version) == (60, 60, version.version)
        query = opened.projection.apply(vector_of(17)[None])[0]
        assert opened.search(query, 1)[0].urn == track_of(17).urn
    folder = only_folder(work_folder)
    assert names_in(folder) == ["lock"]


async def test_builds_only_when_a_version_is_due(indexer: Indexer, add_tracks: AddTracks, pool: Pool) -> None:
    assert await indexer.build_if_due() is None
    await add_tracks(range(3))
    first = await indexer.build_if_due()
    assert first is not None
    assert first.tracks == 3
    assert await indexer.build_if_due() is None
    await add_tracks(range(3, 7))
    second = await indexer.build_if_due()
    assert second is not None
    assert (second.tracks, second.up_to_seq) == (7, 7)
    assert second.version > first.version
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert published.version == second.version


async def test_another_model_gets_a_version_of_its_own(indexer: Indexer, add_tracks: AddTracks, pool: Pool) -> None:
    await add_tracks(range(3))
    await indexer.build()
    other = EmbeddingModel("m2", 160)
    await add_tracks(range(2), other)
    version = await indexer.build_if_due()
    assert version is not None
    assert (version.model, version.tracks) == ("m2", 2)
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert published.tracks == 3


async def test_errors_say_what_is_missing(indexer: Indexer, pool: Pool) -> None:
    with pytest.raises(NothingToIndex, match="start an extractor first"):
        await indexer.build()
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
    with pytest.raises(NothingToIndex, match="crawl a playlist or a folder"):
        await indexer.build()


async def test_two_never_build_at_once(
    indexer: Indexer, add_tracks: AddTracks, database_url: str, store: MemoryStore, settings: IndexerSettings
) -> None:
    uploading, go_on = asyncio.Event(), asyncio.Event()

    class Slow(MemoryStore):
        async def upload(self, key: str, path: Path) -> None:
            uploading.set()
            await go_on.wait()
            await super().upload(key, path)

    await add_tracks(range(3))
    async with connect(database_url) as other_pool:
        building = asyncio.create_task(Indexer(other_pool, Slow(), settings).build())
        await asyncio.wait_for(uploading.wait(), scale(60))
        with pytest.raises(BuilderBusy):
            await indexer.build()
        await indexer.poller.poll_once()
        assert indexer.poller.failures == 0
        go_on.set()
        await building
    assert (await indexer.build()).tracks == 3


async def test_the_loop_publishes_and_stops(indexer: Indexer, add_tracks: AddTracks, store: MemoryStore) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(indexer.run(stop))
    await add_tracks(range(3))
    await eventually(lambda: any(key.endswith("manifest.json") for key in store.objects))
    stop.set()
    await asyncio.wait_for(running, scale(60))


async def test_a_stop_abandons_the_build_and_publishes_nothing(
    indexer: Indexer,
    add_tracks: AddTracks,
    pool: Pool,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    building, finish, finished = threading.Event(), threading.Event(), threading.Event()

    def endless(*_: object, **__: object) -> None:
        building.set()
        finish.wait(scale(60))
        finished.set()

    monkeypatch.setattr("soundalike.indexer.worker.build", endless)
    await add_tracks(range(3))
    stop = asyncio.Event()
    running = asyncio.create_task(indexer.run(stop))
    await eventually(building.is_set)
    stop.set()
    await asyncio.wait_for(running, scale(60))
    assert not finished.is_set()
    assert not store.objects
    assert await index_versions.get_published(pool, MODEL.model) is None
    monkeypatch.undo()
    with pytest.raises(BuilderBusy, match="running in"):
        await indexer.build()  # the thread still writes
    finish.set()
    await eventually(finished.is_set)

    async def all_are_built() -> bool:
        return (await indexer.build()).tracks == 3

    await eventually(all_are_built, retry_on=BuilderBusy)


async def test_a_build_that_was_killed_is_continued(
    indexer: Indexer, add_tracks: AddTracks, pool: Pool, work_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Killed(BaseException):
        """Stands for a process that ends at once."""

    class Away(MemoryStore):
        async def upload(self, key: str, path: Path) -> None:  # noqa: ARG002 - part of the protocol
            raise Killed

    await add_tracks(range(60))
    dying = Indexer(pool, Away(), indexer._settings)
    with pytest.raises(Killed):
        await dying.build()
    folder = only_folder(work_folder)
    assert {"raw.npy", "names.npy", "plan.json", "version"} <= set(names_in(folder))
    index = (folder / "version" / "index.bin").stat()
    partial_file = folder / "version" / ".index.bin.0123.part"
    partial_file.write_bytes(b"of a process that was killed while it wrote")
    await add_tracks(range(60, 63))
    seen: list[int] = []
    real = publisher.upload

    async def watched(
        db: Pool, store: MemoryStore, manifest: Manifest, directory: Path, more: object
    ) -> IndexVersionRecord:
        assert not partial_file.exists()
        seen.append((directory / "index.bin").stat().st_mtime_ns)
        return await real(db, store, manifest, directory, more)

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.INFO):
        patch.setattr(publisher, "upload", watched)
        version = await indexer.build()
    assert (version.tracks, version.up_to_seq) == (60, 60)
    assert seen == [index.st_mtime_ns]
    assert "continuing the build of 60 vectors" in caplog.text
    assert names_in(folder) == ["lock"]
    assert (await indexer.build()).tracks == 63


async def test_what_a_killed_build_has_left_is_removed_at_the_start(
    indexer: Indexer, pool: Pool, work_folder: Path
) -> None:
    for name in ("index", "taste"):
        folder = BuildDir.of(work_folder, indexer._settings.database_url.get_secret_value(), name).folder
        (folder / "version").mkdir(parents=True)
        for left in ("raw.npy", "version/vectors.npy", "version/.index.bin.0123.part"):
            (folder / left).write_bytes(b"of a process that was killed")
    stop = asyncio.Event()
    stop.set()
    await indexer.run(stop)
    await TasteIndexer(pool, MemoryStore(), indexer._settings).run(stop)
    assert [names_in(work_folder / name) for name in names_in(work_folder)] == [["lock"], ["lock"]]


async def test_a_folder_that_somebody_else_made_first_is_not_built_in(
    indexer: Indexer, add_tracks: AddTracks, work_folder: Path
) -> None:
    await add_tracks(range(3))
    folder = BuildDir.of(work_folder, indexer._settings.database_url.get_secret_value(), "index").folder
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    for attempt in (indexer.build(), indexer.run(asyncio.Event())):
        with pytest.raises(UnusableDirectory, match="other users can write to"):
            await attempt
    assert not names_in(folder)


def test_builds_lie_in_the_users_cache_where_nothing_else_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = BuildDir.of(None, "postgresql://u:p@host:5432/name", "index").folder
    assert folder.parent == tmp_path / "soundalike" / "indexer"


@pytest.mark.parametrize("damage", ["other settings", "torn", "old", "no plan"])
async def test_what_cannot_be_continued_is_removed(
    indexer: Indexer, add_tracks: AddTracks, work_folder: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_tracks(range(60))
    real = publisher.upload

    async def failing(*_: object) -> IndexVersionRecord:
        raise StoreUnavailable("away")

    monkeypatch.setattr(publisher, "upload", failing)
    with pytest.raises(StoreUnavailable):
        await indexer.build()
    folder = only_folder(work_folder)
    if damage == "other settings":
        indexer._settings = indexer._settings.model_copy(update={"index_trees": 9})
    elif damage == "torn":
        (folder / "raw.npy").write_bytes(b"torn")
    elif damage == "old":
        os.utime(folder / "plan.json", (0, 0))
    else:
        (folder / "plan.json").unlink()
    (folder / "raw.npy.part").write_bytes(b"left")
    await add_tracks(range(60, 63))
    monkeypatch.setattr(publisher, "upload", real)
    assert (await indexer.build()).tracks == 63
    assert names_in(folder) == ["lock"]


async def test_a_build_with_too_low_a_recall_is_not_continued(
    pool: Pool,
    add_tracks: AddTracks,
    store: MemoryStore,
    settings: IndexerSettings,
    work_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def poor(*_: object) -> None:
        raise RecallTooLow("too low")

    await add_tracks(range(3))
    indexer = Indexer(pool, store, settings)
    monkeypatch.setattr("soundalike.indexer.worker.build", poor)
    with pytest.raises(RecallTooLow):
        await indexer.build()
    folder = only_folder(work_folder)
    assert names_in(folder) == ["lock"]


async def test_a_rollback_is_pinned_until_somebody_publishes_or_builds(
    indexer: Indexer, add_tracks: AddTracks, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    async def published_version() -> tuple[str, bool]:
        published = await index_versions.get_published(pool, MODEL.model)
        assert published is not None
        return published.version, published.pinned

    await add_tracks(range(3))
    first = await indexer.build()
    await add_tracks(range(3, 9))
    second = await indexer.build()
    assert (await indexer.rollback()).version == first.version
    assert await published_version() == (first.version, True)
    with caplog.at_level(logging.WARNING):
        assert await indexer.build_if_due() is None
        assert await indexer.build_if_due() is None
    assert caplog.text.count("is pinned") == 1
    assert await published_version() == (first.version, True)
    with pytest.raises(NoSuchVersion):
        await indexer.rollback()
    await indexer.publish()
    assert await published_version() == (second.version, False)
    assert (await indexer.publish(first.version)).pinned
    third = await indexer.build()
    assert await published_version() == (third.version, False)
    assert await indexer.build_if_due() is None
    await add_tracks(range(9, 40))
    assert await indexer.build_if_due() is not None


async def test_a_version_may_be_built_without_being_published(
    indexer: Indexer, add_tracks: AddTracks, pool: Pool
) -> None:
    await add_tracks(range(3))
    waiting = await indexer.build(publish=False)
    assert await index_versions.get_published(pool, MODEL.model) is None
    (listed,) = await indexer.list_versions()
    assert (listed.version, listed.state) == (waiting.version, VersionState.BUILT)
    await indexer.publish(waiting.version)
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert published.version == waiting.version
    assert published.parameters["projection"]["kind"] == "identity"
    assert published.parameters["build_s"] >= 0


async def test_failures_are_counted_logged_and_retried(
    pool: Pool, add_tracks: AddTracks, settings: IndexerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [StoreUnavailable("the store is away"), RuntimeError("a bug")]

    class Recovering(MemoryStore):
        async def upload(self, key: str, path: Path) -> None:
            if failures:
                raise failures.pop(0)
            await super().upload(key, path)

    await add_tracks(range(3))
    store = Recovering()
    indexer, stop = Indexer(pool, store, settings), asyncio.Event()
    with caplog.at_level(logging.INFO):
        running = asyncio.create_task(indexer.run(stop))
        await eventually(
            lambda: indexer.poller.failures == 0 and any(key.endswith("manifest.json") for key in store.objects)
        )
        stop.set()
        await asyncio.wait_for(running, scale(60))
    assert "failure 1 in a row): the store is away" in caplog.text
    assert "failure 2 in a row" in caplog.text
    assert "RuntimeError: a bug" in caplog.text


async def test_a_failed_cleanup_does_not_unpublish(
    pool: Pool, add_tracks: AddTracks, settings: IndexerSettings
) -> None:
    class Unlisted(MemoryStore):
        async def list(self, prefix: str) -> AsyncIterator[ObjectSummary]:
            if prefix == f"indexes/{MODEL.model}/":
                raise StoreUnavailable("away")
            async for summary in super().list(prefix):
                yield summary

    await add_tracks(range(3))
    version = await Indexer(pool, Unlisted(), settings).build()
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert published.version == version.version


async def test_old_versions_leave_the_bucket(
    pool: Pool, add_tracks: AddTracks, store: MemoryStore, database_url: str
) -> None:
    settings = IndexerSettings(
        database_url=database_url, s3_bucket="bucket", index_trees=1, index_minimum_recall=0.5, index_keep_versions=2
    )
    await add_tracks(range(3))
    indexer = Indexer(pool, store, settings)
    built = [(await indexer.build()).version for _ in range(4)]
    assert sorted({key.split("/")[2] for key in store.objects}) == built[-2:]
    states = {each.version: each.state for each in await indexer.list_versions()}
    assert [states[name] for name in built] == ["deleted", "deleted", "retired", "published"]
    with pytest.raises(NoSuchVersion, match="were deleted"):
        await indexer.rollback(built[0])
