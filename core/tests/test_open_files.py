from __future__ import annotations

import resource

import pytest

from soundalike import open_files

ANY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "raised"),
    [((1024, 4096), 4096), ((1024, 1 << 20), 10_000), ((1024, ANY), 10_000), ((20_000, ANY), None), ((ANY, ANY), None)],
)
def test_the_limit_is_raised_as_far_as_the_system_allows_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], raised: int | None
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    changes: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, change: changes.append(change))
    open_files.raise_limit(10_000)
    assert changes == ([(raised, limits[1])] if raised else [])
    assert open_files.limit() == (None if limits[0] == ANY else limits[0])
