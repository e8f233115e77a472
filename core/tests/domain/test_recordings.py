from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.recordings import (
    NEAR_COSINE,
    SAME_NAMES_DURATION_MS,
    DistinctRecordings,
    RecordingKey,
    near,
    same_recording,
)

NOWHERE = np.zeros(4, np.float32)


def recording(
    title: str = "Song", *artists: str, isrc: str | None = None, ms: int | None = None, vector=NOWHERE, **facts
):
    return RecordingKey.of(
        title=title, artists=artists, isrc=isrc, duration_ms=ms, vector=np.asarray(vector, np.float32), **facts
    )


def turned(cosine: float) -> list[float]:
    return [cosine, float(np.sqrt(1 - cosine**2)), 0, 0]


@pytest.mark.parametrize("other", ["SONG", "Song - Remastered 2011", "Song (Album Version)", "Song (feat. Guest)"])
def test_editions_of_one_recording(other: str) -> None:
    assert same_recording(recording("Song", "Someone", ms=200_000), recording(other, "SOMEONE", ms=203_000))


@pytest.mark.parametrize(
    "other", ["Song - Live", "Song (Someone Remix)", "Song - Radio Edit", "Song (Someone's Version)", "Song 2"]
)
def test_other_takes_and_mixes_are_other_recordings_even_where_they_sound_the_same(other: str) -> None:
    one = recording("Song", "Someone", ms=200_000, vector=turned(1.0))
    assert not same_recording(one, recording(other, "Someone", ms=260_000, vector=turned(0.5)))
    same_excerpt = recording(other, "Someone", ms=200_000, vector=turned(1.0))
    assert same_recording(one, same_excerpt) is (other == "Song 2")


@pytest.mark.parametrize(
    ("apart_ms", "same"), [(0, True), (SAME_NAMES_DURATION_MS, True), (SAME_NAMES_DURATION_MS + 1, False)]
)
def test_names_count_only_with_lengths_that_are_near(apart_ms: int, same: bool) -> None:
    one, other = recording("Song", "A", ms=200_000), recording("Song", "A", ms=200_000 + apart_ms, vector=turned(0.5))
    assert same_recording(one, other) is same
    assert same_recording(other, one) is same
    assert same_recording(one, recording("Song", "A"))


@pytest.mark.parametrize(
    ("cosine", "are_files", "albums", "same"),
    [
        (0.7, True, (None, None), False),
        (0.85, True, (None, "Best of"), True),
        (0.85, True, ("First", "First (Deluxe Edition)"), True),
        (0.85, True, ("First", "Best of"), False),
        (0.95, True, ("First", "Best of"), True),
        (0.5, False, ("First", "Best of"), True),
        (0.3, False, ("First", "First"), False),
    ],
)
def test_names_count_only_where_the_sound_does_not_speak_against_it(
    cosine: float, are_files: bool, albums: tuple[str | None, str | None], same: bool
) -> None:
    one, other = (
        recording("Song", "A", ms=60_000, vector=turned(c), album=album, is_file=are_files)
        for c, album in zip((1.0, cosine), albums, strict=True)
    )
    assert same_recording(one, other) is same
    assert same_recording(other, one) is same


@pytest.mark.parametrize("title", ["Intro", "Interlude 2", "Prélude", "Track 07", "III", "Allegro", "Main Theme"])
def test_an_intro_of_another_album_is_another_one(title: str) -> None:
    one, same_album, other_album, copy = (
        recording(title, "A", ms=60_000, vector=turned(cosine), album=album, is_file=True)
        for cosine, album in [(1.0, "First"), (0.96, "First"), (0.96, "Second"), (1.0, "Second")]
    )
    assert same_recording(one, same_album)
    assert not same_recording(one, other_album)
    assert same_recording(one, copy)
    assert not same_recording(recording(title, "A", album="First"), recording(title, "A", album="Second"))


@pytest.mark.parametrize("title", ["Song", "Introvert", "Interlude for Two", "Track Record", "Theme from a Film"])
def test_names_of_their_own_are_not_common(title: str) -> None:
    assert same_recording(recording(title, "A", album="First"), recording(title, "A", album="Second"))


def test_the_front_of_a_file_is_the_file_that_was_copied_half() -> None:
    half, whole, other = (
        recording(title, ms=ms, fronts=fronts)
        for title, ms, fronts in [("a", 20_000, (1, 2)), ("b", 60_000, (1, 2, 3, 4)), ("c", 60_000, (1, 5, 6, 7))]
    )
    assert same_recording(half, whole)
    assert same_recording(whole, half)
    assert not same_recording(half, other)
    assert not same_recording(recording("a"), recording("b"))


def test_guests_may_be_named_in_title_or_artists_or_not_at_all() -> None:
    titled = recording("Song (feat. B)", "A", ms=200_000)
    assert same_recording(titled, recording("Song", "A", "B"))
    assert same_recording(titled, recording("Song", "A feat. B"))
    assert same_recording(titled, recording("Song", "A", ms=201_000, vector=turned(0.5)))
    assert not same_recording(titled, recording("Song", "A"))
    assert not same_recording(titled, recording("Song", "C", ms=201_000, vector=turned(0.5)))


def test_equal_codes_are_the_same_where_the_titles_are() -> None:
    one = recording("A", "X", isrc="gb-duw-00-00059", ms=200_000, vector=turned(1.0))
    assert same_recording(one, recording("A (Remastered)", "Y", isrc="GBDUW0000059", ms=90_000, vector=turned(0.1)))
    assert same_recording(one, recording("", isrc="GBDUW0000059"))
    for title in ("B", "A - Live", "A II"):
        assert not same_recording(one, recording(title, "X", isrc="GBDUW0000059", ms=200_000, vector=turned(0.99)))
    assert not same_recording(recording("A", isrc="GBDUW0000059"), recording("B", isrc="GBDUW0000060"))
    assert not same_recording(recording("A", isrc=""), recording("B", isrc=None))


def test_names_count_with_all_artists_in_any_order() -> None:
    assert same_recording(recording("Song", "A", "B"), recording("Song", "B", "a"))
    assert not same_recording(recording("Song", "A"), recording("Song", "B"))
    assert not same_recording(recording("Song", "A"), recording("Song", "A", "B"))


def test_nameless_tracks_are_not_one_recording() -> None:
    assert not same_recording(recording(""), recording(""))
    assert not same_recording(recording("Song"), recording("Song"))
    assert not same_recording(recording("", "A"), recording("", "A"))


@pytest.mark.parametrize(
    ("cosine", "apart_ms", "same"),
    [(0.9996, 0, True), (0.9996, 2_000, True), (0.9996, 2_001, False), (0.9994, 0, False), (1.0, 0, True)],
)
def test_near_vectors_of_near_length(cosine: float, apart_ms: int, same: bool) -> None:
    one = recording("A", ms=200_000, vector=turned(1.0))
    other = recording("B", ms=200_000 + apart_ms, vector=turned(cosine))
    assert same_recording(one, other) is same
    assert same_recording(other, one) is same


def test_without_a_length_vectors_prove_nothing() -> None:
    assert not same_recording(recording("A", vector=turned(1.0)), recording("B", ms=1, vector=turned(1.0)))
    assert not same_recording(recording("A", ms=1), recording("B", ms=1))


@given(st.floats(-1, 1).filter(lambda cosine: abs(cosine - NEAR_COSINE) > 1e-5))
def test_nearness_at_unit_length_is_the_cosine(cosine: float) -> None:
    assert near(np.float32(turned(1.0)), np.float32(turned(cosine))) is (cosine > NEAR_COSINE)


def test_vectors_that_all_point_one_way_are_judged_from_their_middle() -> None:
    centre = np.float32([1, 0, 0, 0])
    one, other = np.float32([1, 0.01, 0, 0]), np.float32([1, 0, 0.01, 0])
    assert near(one, other)
    assert not near(one, other, centre)
    assert near(one, np.float32([1, 0.01, 0.0001, 0]), centre)
    assert near(centre, centre, centre)


names = st.sampled_from(["", "A", "B", "A - Live"])
recordings = st.builds(
    RecordingKey.of,
    title=names,
    artists=st.lists(names, max_size=2),
    isrc=st.sampled_from([None, "", "QZAAA0000001", "QZAAA0000002"]),
    duration_ms=st.sampled_from([None, 1_000, 2_500, 5_000]),
    vector=st.sampled_from([np.float32(turned(c)) for c in (1.0, 0.9999, 0.5, 0.0)]),
    album=st.sampled_from([None, "A", "B"]),
    is_file=st.booleans(),
    fronts=st.sampled_from([(), (1,), (1, 2), (1, 3, 4)]),
)


@given(st.lists(recordings, max_size=8))
def test_what_is_admitted_differs_pairwise_and_what_is_not_repeats_an_earlier_one(
    keys: list[RecordingKey],
) -> None:
    distinct = DistinctRecordings()
    remaining: list[RecordingKey] = []
    for each in keys:
        repeats = any(same_recording(each, earlier) for earlier in remaining)
        assert distinct.add_if_distinct(each) is not repeats
        if not repeats:
            remaining.append(each)
