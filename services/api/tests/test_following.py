from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.cache import VersionCache
from api.following import Follower
from api.source import MemorySource
from catalog.embeddings import StoredVector
from catalog.errors import StoreUnavailable
from catalog.models import Model
from catalog.store import MemoryStore
from features.projection import Projection
from space.files import DATA_FILES, INDEX, MANIFEST, VECTORS

from .conftest import eventually, upload_version, urn, vector

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from catalog.versions import Version

SMALL = 8
FIRST = Model("first", SMALL)
SECOND = Model("second", SMALL)


def written(start: int, end: int) -> list[StoredVector]:
    return [StoredVector(seq, urn(seq), vector(seq, SMALL)) for seq in range(start, end)]


class CountingStore(MemoryStore):
    """A bucket that counts downloads and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.downloads: list[str] = []
        self.away = False

    async def download(self, key: str, path: Path) -> None:
        if self.away:
            raise StoreUnavailable("the object store did not answer")
        self.downloads.append(key)
        await super().download(key, path)


class Scene:
    """A follower of a catalogue and a bucket in memory; time stands still until it is moved."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = 0.0
        self.store = CountingStore()
        self.source = MemorySource(model=FIRST, vectors={"first": written(1, 31)})
        self.follower = self.fresh_follower()

    @property
    def cached(self) -> set[str]:
        return {path.name for path in (self.directory / "cache").glob("indexes/*")}

    def fresh_follower(self) -> Follower:
        cache = VersionCache(self.directory / "cache", self.store)
        return Follower(cache, patience_s=30.0, clock=lambda: self.now)

    async def publish(
        self, name: str, up_to: int, model: Model = FIRST, *, projection: Projection | None = None, leave_out: str = ""
    ) -> Version:
        covered = [each for each in self.source.vectors[model.model] if each.seq <= up_to]
        version = await upload_version(
            self.store, self.directory / name, name, model, covered, projection=projection, leave_out=leave_out
        )
        self.source.versions[model.model] = version
        return version

    async def look(self) -> tuple[str | None, int, int]:
        await self.follower.refresh(self.source)
        snapshot = self.follower.snapshot
        assert snapshot is not None
        return snapshot.version_name, snapshot.indexed, len(snapshot.tail)

    def found(self, query: NDArray[np.float32], k: int = 1_000) -> dict[str, float]:
        snapshot = self.follower.snapshot
        assert snapshot is not None
        matches = snapshot.search(snapshot.project(query[np.newaxis])[0], k)
        assert len({match.urn for match in matches}) == len(matches)
        return {match.urn: match.cosine for match in matches}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_without_a_model_there_is_no_space(scene: Scene) -> None:
    scene.source.model = None
    await scene.follower.refresh(scene.source)
    assert scene.follower.snapshot is None
    assert scene.follower.has_looked


async def test_without_a_version_everything_is_tail_and_grows(scene: Scene) -> None:
    assert await scene.look() == (None, 0, 30)
    scene.source.vectors["first"] += written(31, 33)
    assert await scene.look() == (None, 0, 32)
    assert set(scene.found(vector(1, SMALL))) == {urn(number) for number in range(1, 33)}
    assert scene.store.downloads == []


async def test_a_version_takes_over_and_leaves_what_is_newer_to_the_tail(scene: Scene) -> None:
    await scene.look()
    await scene.publish("v1", up_to=20)
    assert await scene.look() == ("v1", 20, 10)
    found = scene.found(vector(25, SMALL))
    assert set(found) == {urn(number) for number in range(1, 31)}
    assert found[urn(25)] == pytest.approx(1.0, abs=1e-6)


async def test_index_and_tail_are_compared_in_the_projection_of_the_version(scene: Scene) -> None:
    rng = np.random.default_rng(5)
    rotation = np.linalg.qr(rng.standard_normal((SMALL, SMALL)))[0][:5]
    projection = Projection(rng.standard_normal(SMALL), np.full(SMALL, 2.0), rotation, np.arange(5, 0, -1.0), 0.25)
    await scene.publish("v1", up_to=20, projection=projection)
    await scene.look()
    expected = projection.apply(np.stack([each.vector for each in scene.source.vectors["first"]]))
    cosines = expected @ expected[3]
    found = scene.found(vector(4, SMALL))
    assert [found[urn(number)] for number in range(1, 31)] == pytest.approx(cosines, abs=1e-5)
    assert list(found) == [urn(row + 1) for row in np.argsort(-cosines)]


async def test_a_track_in_both_counts_from_the_tail_only(scene: Scene) -> None:
    await scene.publish("v1", up_to=30)
    scene.source.vectors["first"] = [each for each in scene.source.vectors["first"] if each.urn != urn(7)] + [
        StoredVector(31, urn(7), -vector(7, SMALL))
    ]
    assert await scene.look() == ("v1", 30, 1)
    assert scene.found(vector(7, SMALL))[urn(7)] == pytest.approx(-1.0, abs=1e-6)
    everything = list(scene.found(vector(7, SMALL)))
    assert everything[-1] == urn(7)
    assert list(scene.found(vector(7, SMALL), k=5)) == everything[:5]


async def test_the_old_version_lives_until_its_last_request_has_ended(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    await scene.look()
    request = scene.follower.snapshot
    assert request is not None
    old = weakref.ref(request.version)
    await scene.publish("v2", up_to=30)
    assert await scene.look() == ("v2", 30, 0)
    assert scene.cached == {"v2"}
    assert len(request.search(request.project(vector(1, SMALL)[np.newaxis])[0], 100)) == 30
    assert request.version_name == "v1"
    del request
    gc.collect()
    assert old() is None


async def test_an_intact_copy_is_used_again_after_a_restart(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    await scene.look()
    fetched = len(scene.store.downloads)
    scene.follower = scene.fresh_follower()
    scene.store.away = True
    assert await scene.look() == ("v1", 20, 10)
    assert len(scene.store.downloads) == fetched


@pytest.mark.parametrize("name", DATA_FILES)
async def test_a_damaged_copy_is_fetched_again(scene: Scene, name: str) -> None:
    await scene.publish("v1", up_to=20)
    await scene.look()
    copy = scene.directory / "cache" / "indexes" / "v1" / name
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.unlink()
    copy.write_bytes(content)
    scene.follower = scene.fresh_follower()
    assert await scene.look() == ("v1", 20, 10)
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
    scene.source.versions["first"] = type(version)(
        "v3", "first", version.up_to_seq, version.tracks, {}, 1.0, version.location
    )


async def _named_like_a_path(scene: Scene) -> None:
    version = await scene.publish("v2", up_to=30)
    scene.source.versions["first"] = type(version)(
        "../v2", "first", version.up_to_seq, version.tracks, {}, 1.0, version.location
    )


async def _of_another_dimension(scene: Scene) -> None:
    wider = [StoredVector(seq, urn(seq), vector(seq, SMALL + 1)) for seq in range(1, 31)]
    scene.source.versions["first"] = await upload_version(
        scene.store, scene.directory / "v2", "v2", Model("first", SMALL + 1), wider
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
    stands = await scene.look()
    await damage(scene)
    with caplog.at_level(logging.ERROR):
        assert await scene.look() == stands
    assert "is refused" in caplog.text
    assert scene.cached <= ({before} if before else set())
    scene.source.vectors["first"] += written(31, 32)
    assert await scene.look() == (stands[0], stands[1], stands[2] + 1), "the tail goes on growing"
    assert caplog.text.count("is refused") == 1, "a refused version is not fetched at every look"
    await scene.publish("v4", up_to=31)
    assert await scene.look() == ("v4", 31, 0)


async def test_a_refused_version_is_tried_again_after_a_while(scene: Scene) -> None:
    await scene.look()
    version = await scene.publish("v1", up_to=20, leave_out=INDEX)
    assert await scene.look() == (None, 0, 30)
    await scene.store.upload(version.location + INDEX, scene.directory / "v1" / INDEX)
    scene.now = 29.0
    assert await scene.look() == (None, 0, 30)
    scene.now = 31.0
    assert await scene.look() == ("v1", 20, 10)


async def test_while_the_bucket_is_away_everything_is_tail(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    scene.store.away = True
    assert await scene.look() == (None, 0, 30)
    scene.store.away = False
    scene.now = 31.0
    assert await scene.look() == ("v1", 20, 10)


async def test_an_older_version_that_is_published_again_takes_over(scene: Scene) -> None:
    older = await scene.publish("v1", up_to=10)
    await scene.publish("v2", up_to=30)
    assert await scene.look() == ("v2", 30, 0)
    scene.source.versions["first"] = older
    assert await scene.look() == ("v1", 10, 20)


async def test_a_withdrawn_version_leaves_everything_to_the_tail(scene: Scene) -> None:
    await scene.publish("v1", up_to=10)
    await scene.look()
    del scene.source.versions["first"]
    assert await scene.look() == (None, 0, 30)


async def test_another_model_switches_everything(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    await scene.look()
    scene.source.vectors["second"] = [StoredVector(seq, urn(seq), vector(-seq % 997, SMALL)) for seq in range(40, 45)]
    scene.source.model = SECOND
    assert await scene.look() == (None, 0, 5)
    assert set(scene.found(vector(1, SMALL))) == {urn(seq) for seq in range(40, 45)}
    await scene.publish("w1", up_to=43, model=SECOND)
    assert await scene.look() == ("w1", 4, 1)
    scene.source.model = FIRST
    assert await scene.look() == ("v1", 20, 10)


async def test_a_failing_source_leaves_the_snapshot_as_it_was(scene: Scene) -> None:
    await scene.look()
    before = scene.follower.snapshot

    class Away(MemorySource):
        async def newer_than(self, *_: object) -> list[StoredVector]:
            raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await scene.follower.refresh(Away(model=SECOND))
    assert scene.follower.snapshot is before
    assert await scene.look() == (None, 0, 30)


async def test_foreign_things_in_the_cache_directory_are_left_alone(scene: Scene) -> None:
    foreign = scene.directory / "cache" / "indexes" / "holiday"
    foreign.mkdir(parents=True)
    (foreign / "photo.jpg").write_bytes(b"precious")
    foreign.with_name("note.txt").write_text("remember")
    await scene.publish("v1", up_to=20)
    await scene.look()
    assert (foreign / "photo.jpg").exists()
    assert scene.cached == {"holiday", "note.txt", "v1"}


async def test_vectors_come_from_index_and_tail_alike(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    scene.source.vectors["first"] = [each for each in scene.source.vectors["first"] if each.urn != urn(7)] + [
        StoredVector(31, urn(7), -vector(7, SMALL))
    ]
    await scene.look()
    snapshot = scene.follower.snapshot
    assert snapshot is not None
    found = snapshot.vectors([urn(3), urn(25), urn(7), "deezer:track:404"])
    expected = snapshot.project(np.stack([vector(3, SMALL), vector(25, SMALL), -vector(7, SMALL)]))
    np.testing.assert_allclose(found[:3], expected, atol=1e-7)
    assert np.isnan(found[3]).all()
    assert snapshot.vectors([]).shape == (0, SMALL)


async def test_without_a_version_vectors_come_from_the_tail(scene: Scene) -> None:
    await scene.look()
    snapshot = scene.follower.snapshot
    assert snapshot is not None
    found = snapshot.vectors([urn(3), "deezer:track:404"])
    np.testing.assert_allclose(found[:1], snapshot.project(vector(3, SMALL)[np.newaxis]), atol=1e-7)
    assert np.isnan(found[1]).all()


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_a_forgotten_track_leaves_answers_and_counts(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    assert await scene.look() == ("v1", 20, 10)
    scene.source.forgotten += [(urn(7), NOON), (urn(25), NOON), (urn(400), NOON)]
    assert await scene.look() == ("v1", 19, 9)
    assert set(scene.found(vector(7, SMALL))) == {urn(number) for number in range(1, 31)} - {urn(7), urn(25)}
    snapshot = scene.follower.snapshot
    assert snapshot is not None
    assert len(snapshot.search(snapshot.project(vector(7, SMALL)[np.newaxis])[0], 28)) == snapshot.reach == 28


async def test_forgetting_is_seen_although_its_transaction_took_long(scene: Scene) -> None:
    await scene.look()
    scene.source.forgotten.append((urn(7), NOON))
    await scene.look()
    # Marked before the other one, seen after it.
    scene.source.forgotten.append((urn(8), NOON - timedelta(seconds=30)))
    assert await scene.look() == (None, 0, 28)


async def test_what_was_forgotten_stays_so_in_a_version_that_holds_it(scene: Scene) -> None:
    scene.source.forgotten.append((urn(7), NOON))
    assert await scene.look() == (None, 0, 29)
    await scene.publish("v1", up_to=20)
    assert await scene.look() == ("v1", 19, 10)
    assert urn(7) not in scene.found(vector(7, SMALL))
    scene.follower = scene.fresh_follower()
    assert await scene.look() == ("v1", 19, 10)
    assert urn(7) not in scene.found(vector(7, SMALL))


async def test_the_tail_grows_while_a_version_is_fetched(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.following._GROW_EVERY_S", 0.001)
    await scene.publish("v1", up_to=20)
    await scene.look()
    go_on = asyncio.Event()
    real = scene.store.download

    async def slow(key: str, path: Path) -> None:
        await go_on.wait()
        await real(key, path)

    monkeypatch.setattr(scene.store, "download", slow)
    await scene.publish("v2", up_to=30)
    looking = asyncio.create_task(scene.look())
    try:
        for end in (32, 34):
            scene.source.vectors["first"] += written(end - 1, end + 1)
            await eventually(lambda end=end: urn(end) in scene.found(vector(1, SMALL)))
            assert scene.follower.snapshot is not None
            assert scene.follower.snapshot.version_name == "v1"
    finally:
        go_on.set()
    assert await looking == ("v2", 30, 4)
    assert set(scene.found(vector(1, SMALL))) == {urn(number) for number in range(1, 35)}


async def test_a_look_that_is_given_up_gives_the_fetching_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.publish("v1", up_to=20)
    await scene.look()
    fetching, ended = asyncio.Event(), asyncio.Event()

    async def endless(*_: object) -> None:
        fetching.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(scene.store, "download", endless)
    await scene.publish("v2", up_to=30)
    looking = asyncio.create_task(scene.look())
    await fetching.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert ended.is_set()
    assert scene.follower.snapshot is not None
    assert scene.follower.snapshot.version_name == "v1"
    assert scene.cached == {"v1"}
