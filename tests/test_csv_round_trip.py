"""What the API writes as CSV comes back as it was when the crawler reads it as a track list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundalike.api import openapi_examples
from soundalike.api.playlist_formats import Format, write
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.sources.track_lists.row import TrackRow
from soundalike.testing.hostile_text import FORMULAS

if TYPE_CHECKING:
    from pathlib import Path

SHORT_WORDS = st.text(st.sampled_from("=+-@' \",;a1\uff1d"), min_size=1, max_size=6)


def read_back(folder: Path, title: str, album: str) -> tuple[str, str | None]:
    result = openapi_examples.RECOMMENDATION.results[0].model_copy(
        update={"title": title, "album": album, "artists": ["+44", "-M-"]}
    )
    recommendation = openapi_examples.RECOMMENDATION.model_copy(update={"results": [result]})
    path = folder / "list.csv"
    path.write_text(write(Format.CSV, recommendation), encoding="utf-8", newline="")
    (row,) = ListFile.from_path(path).read().rows
    assert isinstance(row, TrackRow)
    assert row.artists == ("+44", "-M-")
    assert row.seconds == 212.546
    return row.title, row.album


def test_titles_that_look_like_formulas_come_back(tmp_path: Path) -> None:
    for title in ("-ing", "+44", "@home", "=", "'-'", "'74", *FORMULAS):
        one_line = " ".join(title.split())
        assert read_back(tmp_path, title, title) == (one_line, one_line)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(SHORT_WORDS, SHORT_WORDS)
def test_every_title_comes_back(tmp_path: Path, title: str, album: str) -> None:
    expected = " ".join(title.split()), " ".join(album.split()) or None
    assert read_back(tmp_path, title, album) == expected
