from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from soundalike.local.data_directory import DataDirectory
from soundalike.local.demo import EXTRA_TRACK, Demo, DemoFailure, style_shares, summarise
from soundalike.local.ports import free_port
from soundalike.local.recommendation import Recommendation, RecommendationResponse, TrackSummary
from soundalike.local.running_platform import exclusive_lock
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.deezer_catalogue import DeezerCatalogue
from soundalike.sandbox.own_files import OWN_FILES
from soundalike.sandbox.preview_cache import PreviewCache

if TYPE_CHECKING:
    from pathlib import Path


def urn(number: int) -> str:
    return f"spotify:track:{pieces()[number].spotify_id}"


def response(query: int, results: list[str]) -> RecommendationResponse:
    return RecommendationResponse(
        seeds=[TrackSummary(urn=urn(query), title="", artists=[])],
        results=[Recommendation(urn=u, title="", artists=[], rank=n, score=0.5) for n, u in enumerate(results, 1)],
    )


def test_only_the_first_five_results_count_and_only_those_of_the_same_style() -> None:
    same, other = [urn(n) for n in range(1, 6)], [urn(n) for n in range(6, 12)]
    first = pieces()[0]
    foreign = "file:track:" + "0" * 64
    assert style_shares({first: response(0, same + other)}) == [1.0]
    assert style_shares({first: response(0, [same[0], foreign, *other[:3], *same[1:]])}) == [0.2]


def test_too_few_results_are_a_failure() -> None:
    with pytest.raises(DemoFailure, match=r"Expected 5 recommendations for .*, got 1\."):
        style_shares({pieces()[0]: response(0, [urn(1)])})


def test_the_share_is_shown_beside_that_of_chance() -> None:
    summary = summarise([1.0, 0.5] * 24)
    assert "75%" in summary
    assert "chance: 11%" in summary


def test_the_extra_track_exists_and_is_in_no_playlist() -> None:
    track = DeezerCatalogue().track(int(EXTRA_TRACK.rpartition(":")[2]))
    assert track is not None
    assert track.preview
    assert track.isrc not in {piece.isrc for piece in pieces()}


async def test_a_demo_on_a_folder_in_use(tmp_path: Path) -> None:
    data = DataDirectory.at(tmp_path)
    data.create()
    with exclusive_lock(data), pytest.raises(Exception, match="already running"):
        await Demo(data, port=free_port()).run(once=True)


@pytest.mark.timeout(900)
def test_the_demo_shows_recommendations(tmp_path: Path, cache: Path) -> None:
    """From the playlist to recommendations, through the real services."""
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "soundalike.local",
            "demo",
            "--once",
            "--data",
            str(tmp_path),
            "--port",
            str(free_port()),
        ],
        # A proxy that does not exist: a test downloads nothing.
        env={**os.environ, "MODEL_CACHE": str(tmp_path / "models"), "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "First recommendation after" in result.stdout
    assert "sounds like" in result.stdout
    assert "48 queries" in result.stdout
    assert f"Crawling {len(OWN_FILES)} files of {tmp_path / 'music'}" in result.stdout
    assert {file.name for file in (tmp_path / "music").iterdir()} == {own.name for own in OWN_FILES}
    composed = PreviewCache(cache / "sandbox-music")
    assert [piece.title for piece in pieces() if composed.get(piece.spotify_id) is None] == []
