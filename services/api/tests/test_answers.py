from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from api.answers import NO_FILTER, Answer, Recommender, TagFilter, score_of
from api.lookups import HeardTrack
from api.snapshot import Snapshot
from api.tail import Tail
from catalog.embeddings import StoredVector
from catalog.models import Model
from catalog.tracks import State, Track
from features.projection import Projection

from .conftest import USUAL_TAGS, said, track_id, urn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SMALL = 4


def heard(number: int, raw: NDArray[np.float32], **known: object) -> HeardTrack:
    described = {"title": f"Title {number}", "artists": (f"Artist {number}",), **known}
    return HeardTrack(Track(track_id(number), **described), State.READY, None, raw)  # type: ignore[arg-type]


def answers(
    pool: Sequence[HeardTrack],
    query: HeardTrack,
    n: int,
    *,
    missing: frozenset[str] = frozenset(),
    only: TagFilter = NO_FILTER,
) -> list[Answer]:
    """Ask a recommender whose catalogue has everything in its tail, apart from `missing`, which are not ready."""
    tail = Tail(Projection.identity(SMALL), 0)
    tail.extend([StoredVector(seq, each.track.id.urn, each.vector) for seq, each in enumerate(pool, 1)])  # type: ignore[arg-type]
    by_urn = {each.track.id.urn: each for each in pool}

    async def candidates(urns: Sequence[str]) -> Mapping[str, HeardTrack]:
        return {each: by_urn[each] for each in urns if each not in missing}

    snapshot = Snapshot(
        Model("m", SMALL, trained=True, usual_tags=USUAL_TAGS), None, Projection.identity(SMALL), tail.view()
    )
    return asyncio.run(Recommender().answer(candidates, snapshot, query, n, only))


coordinates = st.floats(-4, 4, width=32)


@given(st.data(), st.integers(1, 100))
def test_the_query_never_comes_back_and_nobody_comes_twice(data: st.DataObject, n: int) -> None:
    rows = data.draw(arrays(np.float32, st.tuples(st.integers(1, 90), st.just(SMALL)), elements=coordinates))
    lengths = data.draw(st.lists(st.sampled_from([None, 30_000, 200_000]), min_size=len(rows), max_size=len(rows)))
    titles = data.draw(st.lists(st.sampled_from(["A", "B", "C - Live", ""]), min_size=len(rows), max_size=len(rows)))
    pool = [
        heard(number, row, duration_ms=length, title=title + str(number // 3))
        for number, (row, length, title) in enumerate(zip(rows, lengths, titles, strict=True))
    ]
    query = data.draw(st.sampled_from(pool))
    found = answers(pool, query, n)
    urns = [each.track.id.urn for each in found]
    assert query.track.id.urn not in urns
    assert len(set(urns)) == len(urns) <= n
    scores = [score_of(each.cosine) for each in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("n", [1, 50, 100])
def test_a_pool_smaller_than_asked_for_is_answered_whole(n: int) -> None:
    rng = np.random.default_rng(1)
    pool = [heard(number, rng.standard_normal(SMALL).astype(np.float32)) for number in range(40)]
    assert len(answers(pool, pool[0], n)) == min(n, 39)
    assert answers(pool[:1], pool[0], n) == []


def test_the_search_is_widened_where_filters_eat_the_candidates() -> None:
    rng = np.random.default_rng(2)
    pool = [heard(number, rng.standard_normal(SMALL).astype(np.float32)) for number in range(700)]
    order = answers(pool, pool[0], 100)
    nearest = frozenset(each.track.id.urn for each in order)
    later = answers(pool, pool[0], 100, missing=nearest)
    assert len(later) == 100
    assert not nearest & {each.track.id.urn for each in later}
    assert later[0].cosine <= order[-1].cosine
    almost_all = frozenset(map(urn, range(3, 700)))
    assert {each.track.id.urn for each in answers(pool, pool[0], 5, missing=almost_all)} == {urn(1), urn(2)}


def test_other_releases_of_the_query_and_of_the_answers_are_left_out() -> None:
    def at(angle: float) -> NDArray[np.float32]:
        return np.float32([np.cos(angle), np.sin(angle), 0, 0])

    pool = [
        heard(0, at(0.0), isrc="GBAAA0000001", duration_ms=100_000),
        heard(1, at(0.1), isrc="GB-AAA-00-00001"),
        heard(2, at(0.2), title="title 0 (Remastered)", artists=("ARTIST 0",)),
        heard(3, at(0.3), title="Title 0 - Live", artists=("Artist 0",)),
        heard(4, at(0.4), isrc="GBAAA0000004"),
        heard(5, at(0.5), isrc="GBAAA0000004"),
        heard(6, at(0.6), title="Sóng", artists=("X", "Y")),
        heard(7, at(0.7), title="song", artists=("y", "x")),
        heard(8, at(0.0005), duration_ms=101_000),
        heard(9, at(0.0005), duration_ms=150_000),
        *(heard(20 + turn, at(np.pi / 2 * turn)) for turn in (1, 2, 3)),
    ]
    found = [each.track.id for each in answers(pool, pool[0], 100)]
    assert found == [track_id(number) for number in (9, 3, 4, 6, 21, 23, 22)]


def test_the_search_is_widened_until_enough_tracks_hold_the_tag() -> None:
    rng = np.random.default_rng(3)
    pool = [
        replace(
            heard(number, rng.standard_normal(SMALL).astype(np.float32)),
            tag_probabilities=said("jazz", "sad") if number % 50 == 1 else said("rock"),
        )
        for number in range(900)
    ]
    found = answers(pool, pool[0], 18, only=TagFilter(wanted=("jazz",)))
    assert {each.track.id.urn for each in found} == {urn(number) for number in range(1, 900, 50)}
    assert {each.tags for each in found} == {("jazz", "sad")}
    assert [each.cosine for each in found] == sorted((each.cosine for each in found), reverse=True)
    assert answers(pool, pool[0], 18, only=TagFilter(unwanted=("sad", "rock"))) == []


@pytest.mark.parametrize(
    ("cosine", "score"), [(1.0, 1.0), (0.0, 0.5), (-1.0, 0.0), (1.0000001, 1.0), (-1.0000001, 0.0)]
)
def test_scores(cosine: float, score: float) -> None:
    assert score_of(cosine) == score
