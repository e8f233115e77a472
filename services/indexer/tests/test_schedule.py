import pytest

from soundalike.db.embeddings import TailSize
from soundalike.indexer.schedule import PublishedIndex, Thresholds, build_reason

THRESHOLDS = Thresholds(rows=1000, share=0.10, max_age_s=600, settle_s=5)


@pytest.mark.parametrize(
    ("indexed", "count", "oldest_s", "expected"),
    [
        (None, 0, None, None),
        (None, 1, 4.9, None),
        (None, 1, 5.0, "first version"),
        (500, 0, None, None),
        (5000, 1000, 0.0, None),
        (5000, 1001, 0.0, "are newer than"),
        (50_000, 5000, 0.0, None),
        (50_000, 5001, 0.0, "are newer than"),
        (500_000, 20_000, 0.0, None),
        (500_000, 20_001, 0.0, "are newer than"),
        (5000, 1, 599.9, None),
        (5000, 1, 600.0, "has waited 600 s"),
        (40, 39, 100.0, None),
        (40, 40, 4.9, None),
        (40, 40, 5.0, "outnumber"),
    ],
)
def test_a_version_is_due(indexed: int | None, count: int, oldest_s: float | None, expected: str | None) -> None:
    reason = build_reason(None if indexed is None else PublishedIndex(indexed), TailSize(count, oldest_s), THRESHOLDS)
    if expected is None:
        assert reason is None
    else:
        assert reason is not None
        assert expected in reason


def test_a_growing_catalogue_is_built_a_few_times_only() -> None:
    indexed: int | None = None
    builds = 0
    for count in range(1, 3001):
        if build_reason(
            None if indexed is None else PublishedIndex(indexed), TailSize(count - (indexed or 0), 30.0), THRESHOLDS
        ):
            indexed, builds = count, builds + 1
    assert indexed is not None
    assert indexed >= 2000
    assert builds <= 13


def test_builds_because_of_age_are_rarer_the_longer_they_take() -> None:
    slow = PublishedIndex(1_000_000, build_s=300.0)
    assert build_reason(slow, TailSize(1, 14_999.0), THRESHOLDS) is None
    assert build_reason(slow, TailSize(1, 15_000.0), THRESHOLDS) == "a track has waited 15000 s for the index"
    assert build_reason(slow, TailSize(20_001, 0.0), THRESHOLDS) is not None


def test_a_version_of_another_format_is_replaced_without_new_tracks() -> None:
    assert build_reason(PublishedIndex(5000, readable=False), TailSize(0, None), THRESHOLDS) is not None


def test_forgotten_tracks_leave_the_files_within_a_day() -> None:
    assert build_reason(PublishedIndex(5000, forgotten_s=86_000.0), TailSize(0, None), THRESHOLDS) is None
    reason = build_reason(PublishedIndex(5000, forgotten_s=87_000.0), TailSize(0, None), THRESHOLDS)
    assert reason == "a track was forgotten 87000 s ago and is still in the files"
