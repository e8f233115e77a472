from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.crawler.matching import Candidate, score_by_isrc, score_by_name

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = Path(__file__).with_name("labelled_pairs.psv")


@dataclass(frozen=True)
class Pair:
    half: str
    kind: str
    same: bool
    target: Candidate
    candidate: Candidate

    def __str__(self) -> str:
        verb = "is" if self.same else "is not"
        return f"{self.target.title} by {self.target.artists} {verb} {self.candidate.title} by {self.candidate.artists}"


def recording(row: dict[str, str], side: str) -> Candidate:
    seconds = row[f"{side}seconds"]
    return Candidate(
        title=row[f"{side}title"],
        artists=tuple(row[f"{side}artists"].split(";")),
        seconds=float(seconds) if seconds else None,
        isrc=row[f"{side}isrc"] or None,
        album=row[f"{side}album"] or None,
    )


def labelled() -> list[Pair]:
    with PAIRS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE))
    return [Pair(r["half"], r["kind"], r["same"] == "yes", recording(r, ""), recording(r, "offered_")) for r in rows]


def halves() -> tuple[list[Pair], list[Pair]]:
    """The rules were tuned on the first half and are judged on the second; what is learnt from it moves over."""
    pairs = labelled()
    return [pair for pair in pairs if pair.half == "tune"], [pair for pair in pairs if pair.half == "judge"]


def verdict(target: Candidate, candidate: Candidate) -> float | None:
    return score_by_isrc(target, candidate) or score_by_name(target, candidate)


@dataclass(frozen=True)
class Score:
    right: int
    false: list[Pair]
    missed: list[Pair]
    refused: int

    @classmethod
    def of(cls, pairs: list[Pair]) -> Score:
        matched = [pair for pair in pairs if verdict(pair.target, pair.candidate)]
        rest = [pair for pair in pairs if pair not in matched]
        return cls(
            right=sum(pair.same for pair in matched),
            false=[pair for pair in matched if not pair.same],
            missed=[pair for pair in rest if pair.same],
            refused=sum(not pair.same for pair in rest),
        )

    @property
    def precision(self) -> float:
        return self.right / (self.right + len(self.false))

    @property
    def recall(self) -> float:
        return self.right / (self.right + len(self.missed))

    def __str__(self) -> str:
        total = self.right + len(self.false) + len(self.missed) + self.refused
        return f"precision {self.precision:.3f}, recall {self.recall:.3f} on {total} pairs"


def test_matches_are_right_and_few_are_missed(summary: list[str]) -> None:
    tuned_on, judged_on = halves()
    for name, pairs in (("tuned on", tuned_on), ("judged on", judged_on)):
        score = Score.of(pairs)
        summary.append(f"matcher, half it was {name}: {score}")
        summary.extend(f"  missed: {pair}" for pair in score.missed)
        assert score.precision >= 0.99, "\n".join(map(str, score.false))
        assert score.recall >= 0.9, "\n".join(map(str, score.missed))
    assert len(tuned_on) + len(judged_on) >= 120


def test_no_row_of_a_service_is_taken_for_another(
    reply: Callable[[str], Any], reply_origin: str, summary: list[str]
) -> None:
    deezer = [
        Candidate(row["title"], (row["artist"]["name"],), row["duration"], None, row["album"]["title"])
        for name in ("deezer-playlist", "deezer-search")
        for row in reply(name)["data"]
    ]
    itunes = [
        Candidate(row["trackName"], (row["artistName"],), row["trackTimeMillis"] / 1000, None, row["collectionName"])
        for row in reply("itunes-lookup")["results"]
        if row["wrapperType"] == "track"
    ]
    rows = deezer + itunes
    pairs = [Pair("judge", "row", one is other, one, other) for one in rows for other in rows]
    score = Score.of(pairs)
    summary.append(f"matcher, {reply_origin} rows against each other: {score}")
    assert not score.false, "\n".join(map(str, score.false))
    assert not score.missed, "\n".join(map(str, score.missed))


def test_the_same_recording_on_two_services(reply: Callable[[str], Any], reply_origin: str) -> None:
    candidate = reply("deezer-track")
    row = Candidate(
        candidate["title"],
        tuple(c["name"] for c in candidate["contributors"]),
        candidate["duration"],
        candidate["isrc"],
    )
    # Deezer gives whole seconds, and others more than a second more.
    track_of_spotify = {
        "recorded": Candidate("Die With A Smile", ("Lady Gaga", "Bruno Mars"), 251.667, "USUM72409273"),
        "written": Candidate("Leave With A Kettle", ("Lady Invented", "Mister Nobody"), 242.667, "ZZTST2500001"),
    }[reply_origin]
    assert score_by_isrc(track_of_spotify, row) == 1.0
    assert score_by_name(track_of_spotify, row) is not None


@pytest.mark.parametrize(("seconds", "matches"), [(203.0, True), (200.0, True), (206.1, False), (196.9, False)])
def test_a_search_result_may_differ_by_three_seconds(seconds: float, matches: bool) -> None:
    expected, candidate = Candidate("Otherwise", ("Morcheeba",), 203.0), Candidate("Otherwise", ("Morcheeba",), seconds)
    assert (score_by_name(expected, candidate) is not None) is matches


def test_a_title_alone_never_suffices() -> None:
    assert (
        score_by_name(Candidate("Angel", ("Massive Attack",), 379.0), Candidate("Angel", ("Angel Band",), 379.0))
        is None
    )
    assert score_by_name(Candidate("Angel", (), 379.0), Candidate("Angel", (), 379.0)) is None


def test_a_nearer_length_is_the_surer_match() -> None:
    expected = Candidate("Otherwise", ("Morcheeba",), 222.4)
    near, far = (score_by_name(expected, Candidate("Otherwise", ("Morcheeba",), seconds)) for seconds in (222.0, 224.0))
    assert near is not None
    assert far is not None
    assert near > far


texts = st.text(min_size=1, max_size=30)


@given(texts, texts, texts, texts)
def test_any_text_can_be_compared(title: str, artist: str, other_title: str, other_artist: str) -> None:
    one, other = Candidate(title, (artist,), 200.0), Candidate(other_title, (other_artist,), 201.0)
    assert verdict(one, other) == verdict(other, one)
    assert verdict(one, one) is None or verdict(one, one) == 1.0
