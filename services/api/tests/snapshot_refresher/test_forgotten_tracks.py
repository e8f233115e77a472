from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from soundalike.db.embeddings import StoredVector

from ..conftest import urn, vector
from .conftest import SMALL, Scene

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_a_forgotten_track_leaves_answers_and_counts(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    assert await scene.refresh() == ("v1", 20, 10)
    scene.source.absent += [(urn(7), NOON), (urn(25), NOON), (urn(400), NOON)]
    assert await scene.refresh() == ("v1", 19, 9)
    assert set(scene.search(vector(7, SMALL))) == {urn(number) for number in range(1, 31)} - {urn(7), urn(25)}
    snapshot = scene.refresher.snapshot
    assert snapshot is not None
    assert len(snapshot.search(snapshot.project(vector(7, SMALL)[np.newaxis])[0], 28)) == snapshot.reach == 28


async def test_forgetting_is_seen_although_its_transaction_took_long(scene: Scene) -> None:
    await scene.refresh()
    scene.source.absent.append((urn(7), NOON))
    await scene.refresh()
    # Marked before the other one, seen after it.
    scene.source.absent.append((urn(8), NOON - timedelta(seconds=30)))
    assert await scene.refresh() == (None, 0, 28)


async def test_what_was_forgotten_stays_so_in_a_version_that_holds_it(scene: Scene) -> None:
    scene.source.absent.append((urn(7), NOON))
    assert await scene.refresh() == (None, 0, 29)
    await scene.publish("v1", up_to=20)
    assert await scene.refresh() == ("v1", 19, 10)
    assert urn(7) not in scene.search(vector(7, SMALL))
    scene.refresher = scene.new_refresher()
    assert await scene.refresh() == ("v1", 19, 10)
    assert urn(7) not in scene.search(vector(7, SMALL))


async def test_a_track_whose_file_is_there_again_is_in_the_answers_again(scene: Scene) -> None:
    await scene.publish("v1", up_to=20)
    scene.source.absent += [(urn(7), NOON), (urn(25), NOON)]
    assert await scene.refresh() == ("v1", 19, 9)
    # What is absent may be written all the same.
    scene.source.vectors["first"] += [StoredVector(101, urn(7), vector(7, SMALL))]
    assert await scene.refresh() == ("v1", 19, 9)
    assert urn(7) not in scene.search(vector(7, SMALL))
    scene.source.absent.clear()
    scene.source.vectors["first"] += [StoredVector(n + 100, urn(n), vector(n, SMALL)) for n in (7, 25)]
    assert await scene.refresh() == ("v1", 20, 11)
    assert set(scene.search(vector(7, SMALL))) == {urn(number) for number in range(1, 31)}
