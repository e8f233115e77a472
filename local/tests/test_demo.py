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

if TYPE_CHECKING:
    from pathlib import Path


def urn(number: int) -> str:
    return f"spotify:track:{pieces()[number].spotify_id}"


def answers(query: int, results: list[str]) -> RecommendationResponse:
    return RecommendationResponse(
        seeds=[TrackSummary(urn=urn(query), title="", artists=[])],
        results=[Recommendation(urn=u, title="", artists=[], rank=n, score=0.5) for n, u in enumerate(results, 1)],
    )


def test_only_answers_of_the_same_style_count_and_only_the_first_five() -> None:
    same, other = [urn(n) for n in range(1, 6)], [urn(n) for n in range(6, 12)]
    first = pieces()[0]
    foreign = "file:track:" + "0" * 64
    assert style_shares({first: answers(0, same + other)}) == [1.0]
    assert style_shares({first: answers(0, [same[0], foreign, *other[:3], *same[1:]])}) == [0.2]


def test_too_few_answers_are_a_failure() -> None:
    with pytest.raises(DemoFailure, match="only 1 tracks"):
        style_shares({pieces()[0]: answers(0, [urn(1)])})


def test_the_share_is_told_beside_what_chance_would_give() -> None:
    said = summarise([1.0, 0.5] * 24)
    assert "75%" in said
    assert "chance: 11%" in said


def test_the_track_to_ask_for_is_there_and_new() -> None:
    found = DeezerCatalogue().track(int(EXTRA_TRACK.rpartition(":")[2]))
    assert found is not None
    assert found.preview
    assert found.isrc not in {piece.isrc for piece in pieces()}


async def test_a_demo_on_a_folder_in_use_says_so(tmp_path: Path) -> None:
    data = DataDirectory.at(tmp_path)
    data.create()
    with exclusive_lock(data), pytest.raises(Exception, match="already runs"):
        await Demo(data, port=free_port()).run(once=True)


@pytest.mark.timeout(900)
def test_the_demo_ends_with_answers(tmp_path: Path, cache: Path) -> None:
    """The whole way through real parts: every other test may lie, this one cannot."""
    done = subprocess.run(
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
        # A proxy that is not there: a test fetches nothing from outside.
        env={**os.environ, "MODEL_CACHE": str(tmp_path / "models"), "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sounds like" in done.stdout
    assert "48 questions" in done.stdout
    assert len(list((cache / "sandbox-music").iterdir())) == len(pieces())
