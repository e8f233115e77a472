from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from soundalike.api import recommender
from soundalike.api.errors import SeedNotReady
from soundalike.api.explanation import LAYERS
from soundalike.api.offload import Offloader
from soundalike.api.recommendation_query import NO_FILTER, RecommendationQuery, TrackFilter
from soundalike.api.recommender import RecommendationResult, Recommender
from soundalike.api.seed_resolver import SeedResolver
from soundalike.api.seeds import upload_seed
from soundalike.api.snapshot import Snapshot
from soundalike.api.tail import Tail
from soundalike.db.catalogue_tracks import CatalogueTrack
from soundalike.db.embeddings import StoredVector
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import State, Track
from soundalike.similarity.projection import Projection

from .conftest import MEAN_TAGS, tag_probabilities, track_id, urn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SMALL = 4
UNLIMITED = {"max_per_artist": 100, "max_per_album": 100}


@dataclass
class Pool:
    """A catalogue whose tracks are all in the tail, and what was requested of it."""

    rows: Sequence[NDArray[np.float32]]
    entries: list[CatalogueTrack] = field(default_factory=list)
    absent: frozenset[str] = frozenset()
    raw: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entries = self.entries or [entry(number) for number in range(len(self.rows))]

    @property
    def snapshot(self) -> Snapshot:
        dimensions = len(self.rows[0])
        tail = Tail(Projection.identity(dimensions), 0)
        tail.extend(
            [StoredVector(number + 1, self.entries[number].track.id.urn, row) for number, row in enumerate(self.rows)]
        )
        model = EmbeddingModel("m", dimensions, mean_tag_probabilities=MEAN_TAGS)
        return Snapshot(model, None, Projection.identity(dimensions), tail.view())

    async def tracks(self, urns: Sequence[str]) -> Mapping[str, CatalogueTrack]:
        self.requests.append(len(urns))
        by_urn = {each.track.id.urn: each for each in self.entries}
        return {each: by_urn[each] for each in urns if each in by_urn and each not in self.absent}

    async def raw_vectors(self, urns: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        return {each: self.raw[each] for each in urns if each in self.raw}

    def recommend(
        self, *numbers: int, track_filter: TrackFilter = NO_FILTER, not_like: Sequence[int] = (), **parameters: Any
    ) -> RecommendationResult:
        query = RecommendationQuery(track_filter=track_filter, **parameters)
        return asyncio.run(self._recommend(list(map(urn, numbers)), query, list(map(urn, not_like))))

    async def _recommend(
        self, urns: Sequence[str], query: RecommendationQuery, not_like: Sequence[str]
    ) -> RecommendationResult:
        offloader, snapshot = Offloader(), self.snapshot
        resolver = SeedResolver(offloader)
        seeds = await resolver.resolve_tracks(self, snapshot, urns, query, None)
        counterexamples = await resolver.resolve_tracks(self, snapshot, not_like, query, None) if not_like else None
        return await Recommender(offloader).recommend(self, snapshot, seeds, query, counterexamples)

    def numbers(self, *numbers: int, track_filter: TrackFilter = NO_FILTER, **parameters: Any) -> list[int]:
        result = self.recommend(*numbers, track_filter=track_filter, **parameters)
        return [int(each.track.id.key, 16) for each in result.tracks]


def entry(number: int, *tags: str, state: State = State.READY, **known: Any) -> CatalogueTrack:
    described = {"title": f"Title {number}", "artists": (f"Artist {number}",), **known}
    return CatalogueTrack(Track(track_id(number), **described), state, None, tag_probabilities(*tags))


def at(*angles: float) -> list[NDArray[np.float32]]:
    """Vectors on a circle; the nearer two angles, the more alike."""
    return [np.float32([np.cos(angle), np.sin(angle), 0, 0]) for angle in angles]


def scattered(count: int, seed: int = 1, dimensions: int = SMALL) -> list[NDArray[np.float32]]:
    return list(np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32))


coordinates = st.floats(-4, 4, width=32)
choices = st.fixed_dictionaries(
    {
        "n": st.integers(1, 100),
        "min_score": st.sampled_from([0.0, 0.5]),
        "max_per_artist": st.integers(1, 3),
        "max_per_album": st.integers(1, 3),
        "diversity": st.sampled_from([0.0, 0.3, 1.0]),
    }
)


@settings(deadline=None)
@given(st.data(), choices)
def test_what_holds_of_all_answers(data: st.DataObject, parameters: dict[str, Any]) -> None:
    rows = data.draw(arrays(np.float32, st.tuples(st.integers(1, 70), st.just(SMALL)), elements=coordinates))
    lengths = data.draw(st.lists(st.sampled_from([None, 30_000, 200_000]), min_size=len(rows), max_size=len(rows)))
    titles = data.draw(st.lists(st.sampled_from(["A", "B", "C - Live", ""]), min_size=len(rows), max_size=len(rows)))
    albums = data.draw(st.lists(st.sampled_from([None, "One", "Two"]), min_size=len(rows), max_size=len(rows)))
    tracks = [
        entry(number, duration_ms=length, title=title + str(number // 3), album=album, artists=(f"By {number // 5}",))
        for number, (length, title, album) in enumerate(zip(lengths, titles, albums, strict=True))
    ]
    seeds = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=3, unique=True))
    results = Pool(list(rows), tracks).recommend(*seeds, **parameters).tracks
    urns = [each.track.id.urn for each in results]
    assert not {urn(seed) for seed in seeds} & set(urns)
    assert len(set(urns)) == len(urns) <= parameters["n"]
    scores = [each.score for each in results]
    assert scores == sorted(scores, reverse=True)
    assert all(parameters["min_score"] - 1e-6 <= score <= 1 for score in scores)
    by_artist = Counter(each.track.artists for each in results)
    assert max(by_artist.values(), default=0) <= parameters["max_per_artist"]
    by_album = Counter((each.track.artists, each.track.album) for each in results if each.track.album)
    assert max(by_album.values(), default=0) <= parameters["max_per_album"]


def test_a_copy_that_was_cut_short_is_no_result_and_asks_like_the_whole_file() -> None:
    fronts = [(), (1, 2), (1, 2, 3), ()]
    known = [entry(number, title="Song", fronts=front, artists=()) for number, front in enumerate(fronts)]
    known[1] = replace(known[1], is_cut_short=True)
    pool = Pool(at(0.0, 0.1, 0.2, 0.3), known)
    assert pool.numbers(0, n=9, **UNLIMITED) == [2, 3]
    assert pool.numbers(1, n=9, **UNLIMITED) == [0, 3]
    assert pool.numbers(2, n=9, **UNLIMITED) == [3, 0]


def test_one_code_on_several_titles_hides_none_of_them() -> None:
    known = [entry(number, title=f"Part {number}", isrc="GBAYE0000001", duration_ms=10_000) for number in range(5)]
    assert Pool(at(0.0, 0.4, 0.8, 1.2, 1.6), known).numbers(0, n=9, **UNLIMITED) == [1, 2, 3, 4]


def test_an_intro_of_each_album_is_a_piece_of_its_own() -> None:
    known = [
        entry(number, title="Intro", artists=("Band",), album=f"Album {number}", duration_ms=10_000)
        for number in range(4)
    ]
    assert Pool(at(0.0, 0.2, 0.4, 0.6), known).numbers(0, n=9, **UNLIMITED) == [1, 2, 3]


def test_of_a_large_catalogue_no_more_is_looked_up_than_is_likely_to_be_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recommender, "MAX_CANDIDATES", 300)
    rows = scattered(301, dimensions=8)
    usual = Pool(rows)
    assert len(usual.numbers(0)) == 10
    assert usual.requests == [31]
    # Where the first will not do, the others are: of the thirty nearest none is admitted here.
    nearest = set(Pool(rows).numbers(0, n=30))
    one_band = Pool(
        rows, [entry(number, artists=("A" if number in nearest else f"B {number}",)) for number in range(len(rows))]
    )
    results = one_band.numbers(0)
    assert len(results) == 10
    assert len(nearest & set(results)) == 2
    assert one_band.requests == [31, 29]
    # A wish that many will not meet is looked into at once.
    filtered = Pool(rows)
    filtered.numbers(0, track_filter=TrackFilter(min_duration_ms=1))
    assert filtered.requests[0] > 31


@pytest.mark.parametrize("n", [1, 50, 100])
def test_a_pool_smaller_than_requested_is_returned_whole(n: int) -> None:
    rows = scattered(40)
    assert len(Pool(rows).numbers(0, n=n)) == min(n, 39)
    assert Pool(rows[:1]).numbers(0, n=n) == []


def test_one_lookup_is_enough_for_an_ordinary_request() -> None:
    pool = Pool(scattered(700))
    assert len(pool.numbers(0)) == 10
    assert len(pool.requests) == 1


def test_the_search_is_widened_where_filters_eat_the_candidates() -> None:
    pool = Pool(scattered(700))
    order = pool.numbers(0, n=100)
    pool.absent = frozenset(map(urn, order))
    later = pool.numbers(0, n=100)
    assert len(later) == 100
    assert not set(order) & set(later)
    pool.absent = frozenset(urn(number) for number in range(3, 700))
    assert set(pool.numbers(0, n=5)) == {1, 2}


def test_other_releases_of_the_query_and_of_the_answers_are_left_out() -> None:
    angles = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.0005, 0.0005]
    tracks = [
        entry(0, isrc="GBAAA0000001", duration_ms=100_000),
        entry(1, title="Title 0", isrc="GB-AAA-00-00001", artists=("Somebody",)),
        entry(2, title="title 0 (Remastered)", artists=("ARTIST 0",)),
        entry(3, title="Title 0 - Live", artists=("Artist 0",)),
        entry(4, isrc="GBAAA0000004"),
        entry(5, title="TITLE 4", isrc="GBAAA0000004"),
        entry(6, title="Sóng", artists=("X", "Y")),
        entry(7, title="song", artists=("y", "x")),
        entry(8, duration_ms=101_000),
        entry(9, duration_ms=150_000),
        *(entry(number) for number in range(10, 110)),
    ]
    around = [np.float32([0, 0, *row[2:]]) for row in scattered(100)]
    results = Pool([*at(*angles), *around], tracks).numbers(0, n=5)
    assert results[:4] == [9, 3, 4, 6]
    assert results[4] >= 10


def test_tracks_that_are_not_ready_are_no_answers() -> None:
    tracks = [entry(0), entry(1, state=State.FORGOTTEN), entry(2)]
    assert Pool(at(0, 0.1, 0.2), tracks).numbers(0) == [2]


def test_artists_and_albums_have_room_for_so_many() -> None:
    tracks = [
        entry(0),
        entry(1, artists=("A",), album="One"),
        entry(2, artists=("a", "B"), album="ONE (Deluxe Edition)"),
        entry(3, artists=("A",), album="Two"),
        entry(4, artists=("B",), album="One"),
        entry(5, title="Five (feat. A)", artists=("C",)),
        entry(6, artists=(), album=None),
        entry(7, artists=(), album=None),
        entry(8, artists=(), album="Three"),
        entry(9, artists=(), album="Three"),
    ]
    pool = Pool(at(*(number / 10 for number in range(10))), tracks)
    # 2 is from the album of 1, 5 would be the third with A.
    assert pool.numbers(0) == [1, 3, 4, 6, 7, 8]
    assert pool.numbers(0, max_per_artist=3, max_per_album=3) == [1, 2, 3, 4, 6, 7, 8, 9]
    assert pool.numbers(0, **UNLIMITED) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_filters() -> None:
    tracks = [
        entry(0),
        entry(1, "jazz", artists=("The Band", "Guest"), duration_ms=59_000),
        entry(2, "jazz", "sad", duration_ms=60_000),
        entry(3, "rock", duration_ms=120_000),
        entry(4, "rock"),
    ]
    pool = Pool(at(0, 0.1, 0.2, 0.3, 0.4), tracks)

    def left(**filters: Any) -> list[int]:
        return pool.numbers(0, track_filter=TrackFilter(**filters))

    assert left(tags=("jazz",)) == [1, 2]
    assert left(tags=("jazz", "sad")) == [2]
    assert left(excluded_tags=("sad", "rock")) == [1]
    assert left(excluded_artists=frozenset({"band"})) == [2, 3, 4]
    assert left(excluded_urns=frozenset({urn(1), urn(3)})) == [2, 4]
    assert left(sources=frozenset({"deezer"})) == []
    assert left(sources=frozenset({"deezer", "file"})) == [1, 2, 3, 4]
    assert left(min_duration_ms=60_000) == [2, 3]
    assert left(max_duration_ms=60_000) == [1, 2]
    assert left(min_duration_ms=60_000, max_duration_ms=60_000) == [2]


def test_the_search_is_widened_until_enough_tracks_hold_the_tag() -> None:
    tracks = [entry(number, *(("jazz", "sad") if number % 50 == 1 else ("rock",))) for number in range(900)]
    pool = Pool(scattered(900), tracks)
    results = pool.recommend(0, n=18, track_filter=TrackFilter(tags=("jazz",))).tracks
    assert {each.track.id.urn for each in results} == {urn(number) for number in range(1, 900, 50)}
    assert {each.tags for each in results} == {("jazz", "sad")}
    assert pool.numbers(0, n=18, track_filter=TrackFilter(excluded_tags=("sad", "rock"))) == []


def test_a_minimum_score_ends_the_answers_and_the_search() -> None:
    pool = Pool(scattered(2_000))
    everything = pool.recommend(0, n=100).tracks
    least = everything[30].score
    pool.requests.clear()
    results = pool.recommend(0, n=100, min_score=least).tracks
    assert [each.track for each in results] == [each.track for each in everything[: len(results)]]
    assert len(results) in (30, 31)  # the score is shown rounded
    assert len(pool.requests) == 1


def test_several_tracks_are_examples_and_not_a_middle() -> None:
    # Two seeds at right angles; 2 and 3 are near to one of them each, 4 lies in the middle, 5 is far from both.
    around = [np.float32([0, 0, *row[2:]]) for row in scattered(100)]
    pool = Pool([*at(0, np.pi / 2, 0.05, np.pi / 2 + 0.06, np.pi / 4, np.pi * 1.25), *around])
    results = pool.recommend(0, 1, n=3)
    assert [seed.track.id.urn for seed in results.seeds] == [urn(0), urn(1)]
    assert {(each.track.id.urn, each.seed) for each in results.tracks[:2]} == {(urn(2), urn(0)), (urn(3), urn(1))}
    assert results.tracks[2].track.id.urn == urn(4)


def test_diversity_prefers_what_differs_among_the_near() -> None:
    # 1 to 4 are all but the same piece to the ear, 5 is nearly as near on another side.
    angles = [0.0, 0.3, 0.302, 0.304, 0.306, -0.5]
    around = [np.float32([0, 0, *row[2:]]) for row in scattered(100)]
    pool = Pool([*at(*angles), *around])
    assert pool.numbers(0, n=3) == [1, 2, 3]
    assert pool.numbers(0, n=2, diversity=0.5) == [1, 5]
    assert 5 in pool.numbers(0, n=3, diversity=0.5)


def test_an_answer_says_why() -> None:
    rows = scattered(60, dimensions=160)
    rows[1] = rows[0].copy()
    rows[1][:64] = scattered(1, seed=9, dimensions=64)[0]
    tracks = [entry(0, "jazz", "soul"), entry(1, "soul", "metal"), *(entry(number) for number in range(2, 60))]
    first, *others = Pool(rows, tracks).recommend(0).tracks
    assert (first.track.id.urn, first.seed) == (urn(1), urn(0))
    assert tuple(first.layer_similarity) == LAYERS
    assert min(first.layer_similarity[layer] for layer in LAYERS[2:]) == 1.0
    assert max(first.layer_similarity[layer] for layer in LAYERS[:2]) < 1.0
    assert first.shared_tags == ("soul",)
    assert first.explanation.startswith("Similar in ")
    assert first.explanation.endswith("; both soul.")
    assert all(0 <= share <= 1 for each in others for share in each.layer_similarity.values())


def test_an_upload_gets_recommendations() -> None:
    rows = scattered(30)
    pool = Pool(rows, [entry(number, "jazz") for number in range(30)])
    seed = upload_seed(pool.snapshot, rows[7], tag_probabilities("jazz", "sad"))
    query = RecommendationQuery(n=3)
    result = asyncio.run(Recommender(Offloader()).recommend(pool, pool.snapshot, seed, query))
    assert result.seeds == ()
    assert result.tracks[0].track.id.urn == urn(7)
    assert (result.tracks[0].seed, result.tracks[0].shared_tags) == (None, ("jazz",))


def test_seeds_that_are_unknown_or_not_ready_are_refused() -> None:
    pool = Pool(at(0, 0.1), [entry(0), entry(1, state=State.REJECTED)])
    with pytest.raises(SeedNotReady) as unknown:
        pool.recommend(0, 5, 6)
    assert (unknown.value.urn, unknown.value.track) == (urn(5), None)
    assert pool.requests == [2], "both are looked up at once, and nothing else is"
    with pytest.raises(SeedNotReady) as not_ready:
        pool.recommend(1)
    assert not_ready.value.urn == urn(1)
    assert not_ready.value.track is not None


def test_a_seed_that_the_snapshot_lacks_is_read_from_the_database() -> None:
    pool = Pool(scattered(30))
    pool.entries.append(entry(30))
    pool.raw[urn(30)] = 2 * pool.rows[3]
    assert pool.numbers(30, n=1) == [3]
    assert pool.numbers(7, 30, n=5) == [3, *pool.numbers(7, 3, n=4)]


def test_a_seed_that_was_rejected_is_not_read_from_the_database() -> None:
    pool = Pool(scattered(30))
    pool.entries.append(entry(30, state=State.REJECTED))
    pool.raw[urn(30)] = pool.rows[3]
    with pytest.raises(SeedNotReady) as not_ready:
        pool.recommend(30)
    assert not_ready.value.track is not None
