"""Ranges as clients write them."""

from __future__ import annotations

import pytest

from soundalike.api.byte_range import requested_range
from soundalike.api.errors import UnsatisfiableRange


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-", range(100)),
        ("bytes=0-0", range(1)),
        ("bytes=10-19", range(10, 20)),
        ("bytes=90-500", range(90, 100)),
        ("bytes=99-", range(99, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-500", range(100)),
        ("Bytes= 5-6 ", range(5, 7)),
        # Not ranges, or several: ignored.
        ("bytes=-", None),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=1-2\u0663", None),
        ("seconds=0-1", None),
        ("bytes=0-" + "9" * 400, None),
    ],
)
def test_a_range_is_one_of_bytes_or_none(header: str | None, expected: range | None) -> None:
    assert requested_range(header, 100) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_range_behind_the_end_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRange, match=str(size)):
        requested_range(header, size)
