from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.api.vector_source import MemorySource
from soundalike.db.embeddings import StoredVector
from soundalike.similarity.projection import Projection
from soundalike.testing.wait import eventually

from ..conftest import urn, vector
from .conftest import FIRST, SECOND, SMALL, Scene, stored_vectors

if TYPE_CHECKING:
    from pathlib import Path


async def test_without_a_model_there_is_no_space(scene: Scene) -> None:
    scene.source.model = None
    await scene.refresher.refresh(scene.source)
    assert scene.refresher.snapshot is None
    assert scene.refresher.is_initialised


async def test_without_a_version_everything_is_tail_and_grows(scene: Scene) -> None:
    assert await scene.refresh() == (None, 0, 30)
    scene.source.vectors["first"] += stored_vectors(31, 33)
    assert await scene.refresh() == (None, 0, 32)
    assert set(scene.search(vector(1, SMALL))) == {urn(number) for number in range(1, 33)}
    assert scene.store.downloads == []


async def test_a_version_takes_over_and_leaves_what_is_newer_to_the_tail(scene: Scene) -> None:
    await scene.refresh()
    await scene.publish("v1", up_to=20)
    assert await scene.refresh() == ("v1", 20, 10)
    results = scene.search(vector(25, SMALL))
    assert set(results) == {urn(number) for number in range(1, 31)}
    assert results[urn(25)] == pytest.approx(1.0, abs=1e-6)


async def test_index_and_tail_are_compared_in_the_projection_of_the_version(scene: Scene) -> None:
    rng = np.random.default_rng(5)
    rotation = np.linalg.qr(rng.standard_normal((SMALL, SMALL)))[0][:5]
    projection = Projection(rng.standard_normal(SMALL), np.full(SMALL, 2.0), rotation, np.arange(5, 0, -1.0), 0.25)
    await scene.publish("v1", up_to=20, projection=projection)
    await scene.refresh()
    expected = projection.apply(np.stack([each.vector for each in scene.source.vectors["first"]]))
    cosines = expected @ expected[3]
    results = scene.search(vector(4, SMALL))
    assert [results[urn(number)] for number in range(1, 31)] == pytest.approx(cosines, abs=1e-5)
    assert list(results) == [urn(row + 1) for row in np.argsort(-cosines)]


async def test_a_track_in_both_counts_from_the_tail_only(scene: Scene) -> None:
    await scene.publish("v1", up_to=30)
    scene.source.vectors["first"] = [each for each in scene.source.vectors["first"] if each.urn != urn(7)] + [
        StoredVector(31, urn(7), -vector(7, SMALL))
    ]
    assert await scene.refresh() == ("v1", 30, 1)
    assert scene.search(vector(7, SMALL))[urn(7)] == pytest.approx(-1.0, abs=1e-6)
    everything = list(scene.search(vector(7, SMALL)))
    assert everything[-1] == urn(7)
    assert list(scene.search(vector(7, SMALL), k=5)) == everything[:5]


async def test_the_old_version_lives_until_its_last_request_has_ended(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    request = scene.refresher.snapshot
    assert request is not None
    old = weakref.ref(request.version)
    await scene.publish("v2", up_to=30)
    assert await scene.refresh() == ("v2", 30, 0)
    assert scene.cached == {"v2"}
    assert len(request.search(request.project(vector(1, SMALL)[np.newaxis])[0], 100)) == 30
    assert request.version_name == "v1"
    del request
    gc.collect()
    assert old() is None


async def test_while_the_bucket_is_away_everything_is_tail(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    scene.store.away = True
    assert await scene.refresh() == (None, 0, 30)
    scene.store.away = False
    scene.now = 31.0
    assert await scene.refresh() == ("v1", 20, 10)


async def test_an_older_version_that_is_published_again_takes_over(scene: Scene) -> None:
    older = await scene.publish("v1", up_to=10)
    await scene.publish("v2", up_to=30)
    assert await scene.refresh() == ("v2", 30, 0)
    scene.source.versions["first"] = older
    assert await scene.refresh() == ("v1", 10, 20)


async def test_a_withdrawn_version_leaves_everything_to_the_tail(scene: Scene) -> None:
    await scene.publish("v1", up_to=10)
    await scene.refresh()
    del scene.source.versions["first"]
    assert await scene.refresh() == (None, 0, 30)


async def test_another_model_switches_everything(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    scene.source.vectors["second"] = [StoredVector(seq, urn(seq), vector(-seq % 997, SMALL)) for seq in range(40, 45)]
    scene.source.model = SECOND
    assert await scene.refresh() == (None, 0, 5)
    assert set(scene.search(vector(1, SMALL))) == {urn(seq) for seq in range(40, 45)}
    await scene.publish("w1", up_to=43, model=SECOND)
    assert await scene.refresh() == ("w1", 4, 1)
    scene.source.model = FIRST
    assert await scene.refresh() == ("v1", 20, 10)


async def test_a_failing_source_leaves_the_snapshot_as_it_was(scene: Scene) -> None:
    await scene.refresh()
    before = scene.refresher.snapshot

    class Away(MemorySource):
        async def newer_than(self, *_: object) -> list[StoredVector]:
            raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await scene.refresher.refresh(Away(model=SECOND))
    assert scene.refresher.snapshot is before
    assert await scene.refresh() == (None, 0, 30)


async def test_vectors_come_from_index_and_tail_alike(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    scene.source.vectors["first"] = [each for each in scene.source.vectors["first"] if each.urn != urn(7)] + [
        StoredVector(31, urn(7), -vector(7, SMALL))
    ]
    await scene.refresh()
    snapshot = scene.refresher.snapshot
    assert snapshot is not None
    results = snapshot.vectors([urn(3), urn(25), urn(7), "deezer:track:404"])
    expected = snapshot.project(np.stack([vector(3, SMALL), vector(25, SMALL), -vector(7, SMALL)]))
    np.testing.assert_allclose(results[:3], expected, atol=1e-7)
    assert np.isnan(results[3]).all()
    assert snapshot.vectors([]).shape == (0, SMALL)


async def test_without_a_version_vectors_come_from_the_tail(scene: Scene) -> None:
    await scene.refresh()
    snapshot = scene.refresher.snapshot
    assert snapshot is not None
    results = snapshot.vectors([urn(3), "deezer:track:404"])
    np.testing.assert_allclose(results[:1], snapshot.project(vector(3, SMALL)[np.newaxis]), atol=1e-7)
    assert np.isnan(results[1]).all()


async def test_the_tail_grows_while_a_version_is_fetched(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.api.snapshot_refresher._GROW_EVERY_S", 0.001)
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    go_on = asyncio.Event()
    real = scene.store.download

    async def slow(key: str, path: Path, *, max_bytes: int) -> None:
        await go_on.wait()
        await real(key, path, max_bytes=max_bytes)

    monkeypatch.setattr(scene.store, "download", slow)
    await scene.publish("v2", up_to=30)
    looking = asyncio.create_task(scene.refresh())
    try:
        for end in (32, 34):
            scene.source.vectors["first"] += stored_vectors(end - 1, end + 1)
            await eventually(lambda end=end: urn(end) in scene.search(vector(1, SMALL)))
            assert scene.refresher.snapshot is not None
            assert scene.refresher.snapshot.version_name == "v1"
    finally:
        go_on.set()
    assert await looking == ("v2", 30, 4)
    assert set(scene.search(vector(1, SMALL))) == {urn(number) for number in range(1, 35)}


async def test_a_look_that_is_given_up_gives_the_fetching_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.publish("v1", up_to=20)
    await scene.refresh()
    fetching, ended = asyncio.Event(), asyncio.Event()

    async def endless(*_: object, **__: object) -> None:
        fetching.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(scene.store, "download", endless)
    await scene.publish("v2", up_to=30)
    looking = asyncio.create_task(scene.refresh())
    await fetching.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert ended.is_set()
    assert scene.refresher.snapshot is not None
    assert scene.refresher.snapshot.version_name == "v1"
    assert scene.cached == {"v1"}
