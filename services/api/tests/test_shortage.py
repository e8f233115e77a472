"""The sentence why there are fewer results than requested: its numbers are true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from soundalike.api import recommender
from soundalike.api.recommendation_query import TrackFilter
from soundalike.api.shortage import Cause, shortage
from soundalike.db.tracks import State

from .conftest import urn
from .test_recommender import UNLIMITED, Pool, entry, scattered


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (6, {Cause.MIN_SCORE: 3, Cause.ARTIST_LIMIT: 40}, None),
            "Only 6 tracks pass: 40 were left out by the limit per artist, 3 by min_score.",
        ),
        ((0, {Cause.TAG: 1}, None), "No track passes: 1 was left out by tag."),
        (
            (1, {Cause.SOURCE: 9_999}, 10_000),
            "Only 1 track passes of the 10,000 most similar ones that were compared: 9,999 were left out by source.",
        ),
        ((6, {Cause.TAG: 0}, None), "Only 6 other tracks can be compared."),
        ((0, {}, None), "No other track can be compared."),
    ],
)
def test_the_sentence_is_plain(arguments: tuple[int, dict[Cause, int], int | None], sentence: str) -> None:
    results, left_out, compared = arguments
    assert shortage(results, left_out, compared=compared) == sentence


def sentence(pool: Pool, track_filter: TrackFilter | None = None, **parameters: Any) -> str | None:
    return pool.recommend(0, track_filter=track_filter or TrackFilter(), n=90, **parameters).shortage


@pytest.mark.parametrize(
    ("parameters", "track_filter", "expected"),
    [
        (UNLIMITED, TrackFilter(), "Only 9 other tracks can be compared."),
        (
            {"max_per_artist": 2, "max_per_album": 9},
            TrackFilter(),
            "Only 4 tracks pass: 5 were left out by the limit per artist.",
        ),
        (
            {"max_per_artist": 9, "max_per_album": 1},
            TrackFilter(),
            "Only 6 tracks pass: 3 were left out by the limit per album.",
        ),
        (UNLIMITED, TrackFilter(tags=("jazz",)), "Only 1 track passes: 8 were left out by tag."),
        (UNLIMITED, TrackFilter(excluded_tags=("jazz",)), "Only 8 tracks pass: 1 was left out by not_tag."),
        (
            UNLIMITED,
            TrackFilter(excluded_urns=frozenset({urn(4)}), max_duration_ms=1_000),
            "No track passes: 8 were left out by max_duration, 1 because they are excluded or part of the request.",
        ),
        (UNLIMITED, TrackFilter(sources=frozenset({"deezer"})), "No track passes: 9 were left out by source."),
        (
            UNLIMITED,
            TrackFilter(excluded_artists=frozenset({"a"})),
            "Only 5 tracks pass: 4 were left out by exclude_artist.",
        ),
        ({**UNLIMITED, "min_score": 0.9999}, TrackFilter(), "No track passes: 9 were left out by min_score."),
    ],
)  # fmt: skip
def test_each_track_is_counted_by_what_leaves_it_out(
    parameters: dict[str, Any], track_filter: TrackFilter, expected: str
) -> None:
    known = [
        entry(number, *(["jazz"] if number == 3 else []), artists=("A" if number < 5 else "B",), duration_ms=200_000)
        for number in range(10)
    ]
    albums = {6: "One", 7: "One", 8: "One", 9: "One"}
    known = [
        replace(each, track=replace(each.track, album=albums.get(number), duration_ms=200_000 + 9_000 * number))
        for number, each in enumerate(known)
    ]
    assert sentence(Pool(scattered(10), known), track_filter, **parameters) == expected


def test_repetitions_copies_and_what_is_not_ready_are_told_apart() -> None:
    known = [entry(number, duration_ms=200_000) for number in range(6)]
    known[1] = entry(1, title="Title 2", artists=("Artist 2",), duration_ms=200_000)
    known[3] = replace(known[3], is_cut_short=True)
    known[4] = entry(4, state=State.QUEUED)
    rows = scattered(6, dimensions=8)
    rows[1] = np.float32(rows[2] + 0.01)
    reason = sentence(Pool(rows, known))
    assert reason is not None
    start, _, causes = reason.removesuffix(".").partition(": ")
    assert start == "Only 2 tracks pass"
    assert sorted(causes.replace(" was left out", "").split(", ")) == [
        "1 as copies that are cut short",
        "1 as the same recording as another one",
        "1 because they are not ready",
    ]


def test_a_bounded_search_says_how_many_were_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommender, "MAX_CANDIDATES", 300)
    known = [entry(number, artists=("A",)) for number in range(400)]
    assert sentence(Pool(scattered(400, dimensions=8), known)) == (
        "Only 2 tracks pass of the 299 most similar ones that were compared: 297 were left out by the limit per artist."
    )


def test_there_is_no_sentence_where_nothing_is_short() -> None:
    assert Pool(scattered(40)).recommend(0, n=10).shortage is None
