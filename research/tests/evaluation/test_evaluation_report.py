from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from soundalike.research.evaluation import training_overlap
from soundalike.research.evaluation.corpus import Labels, Skipped
from soundalike.research.evaluation.extractors import RandomVector
from soundalike.research.evaluation.measures import ALL
from soundalike.research.evaluation.protocols import CHANNEL_EQUAL, FULL_BAND
from soundalike.research.evaluation.report import grids, to_markdown
from soundalike.research.evaluation.results import Results, RunDescription, difference, score, to_json
from soundalike.research.evaluation.system_scores import QuerySet, measure_system
from soundalike.research.evaluation.system_types import System

ALBUMS = np.repeat(np.arange(8), 3)


@pytest.fixture(scope="module")
def results() -> Results:
    corpus = QuerySet.of(Labels(ALBUMS, np.full(24, -1), np.arange(24)))
    random = np.random.default_rng(0)
    scores = []
    for name, noise in (("good", 0.1), ("bad", 100.0)):
        vectors = np.eye(8)[ALBUMS] + noise * random.standard_normal((24, 8))
        system_scores = measure_system(corpus, vectors, {"louder-6": vectors}, None, seed=1)
        system = System(name, RandomVector(), None, f"a {name} one")
        scores.append(score(system, system_scores, ALBUMS, seed=1, resamples=200))
    made = RunDescription("the command", 24, 8, 24, 8, seed=1, folds=5, skipped=(Skipped("x.ogg", "no audio"),))
    return Results(made, scores)


def test_every_number_in_the_json_has_its_interval(results: Results) -> None:
    content = json.loads(json.dumps(results.to_json()))
    assert content["corpus"]["skipped"] == [{"path": "x.ogg", "reason": "no audio"}]
    good = content["systems"][0]
    assert good["measures"]["map"]["value"] == 1.0
    for system in content["systems"]:
        for number in system["measures"].values():
            assert number["low"] <= number["value"] <= number["high"]


def test_what_the_corpus_cannot_be_asked_is_left_out(results: Results) -> None:
    measured = set(results.scores[0].resampled)
    assert "map_artist" not in measured
    assert {measure.key for measure in ALL} - measured == {
        "map_artist",
        *(f"{version}_{what}" for version in ("mp3-64", "quieter-6", "shifted-5") for what in ("first", "rank")),
    }


def test_every_pair_of_systems_is_compared_in_every_measure(results: Results) -> None:
    differences = {key: estimate for system, against, key, estimate in results.differences()}
    assert set(differences) == set(results.scores[0].resampled)
    good, bad = results.of("good"), results.of("bad")
    expected = difference(bad, good, "map")
    assert differences["map"] == expected
    assert expected.value == pytest.approx(bad.resampled["map"].value - good.resampled["map"].value)
    assert expected.high < 0


def test_tables_show_systems_and_differences(results: Results) -> None:
    shown = {grid.title: grid for grid in grids(results, "good")}
    assert list(shown) == [
        "Finding the album, full band",
        "Spreading over the catalogue, full band",
        "Recognising the same recording, full band",
        "Difference to good, in pairs, full band",
    ]
    finding = shown["Finding the album, full band"]
    assert finding.columns == ("system", "MAP", "MAP, albums equal", "P@1", "P@5", "P@10", "nDCG@10")
    assert finding.rows[0][:2] == ("good", "1.000 [1.000, 1.000]")
    assert shown["Recognising the same recording, full band"].columns == ("system", "louder-6 first", "louder-6 rank")
    (row,) = shown["Difference to good, in pairs, full band"].rows
    assert row[0] == "bad"
    assert row[1].startswith("**-0.")


def test_one_system_alone_is_compared_with_none(results: Results) -> None:
    alone = Results(results.run, results.scores[:1])
    assert len(grids(alone, None)) == 3
    assert len(grids(alone, "good")) == 3


def test_the_markdown_holds_the_command_and_all_tables(results: Results) -> None:
    text = to_markdown([results], "good")
    assert "```\nthe command\n```" in text
    assert text.count("| good |") == 3
    assert text.count("| bad |") == 4
    assert "- `bad`: a bad one" in text
    assert "{" not in text


def test_systems_that_learnt_from_this_music_are_marked_in_every_table(results: Results) -> None:
    good, bad = results.scores
    scores = [replace(good, system=replace(good.system, learnt_from=frozenset({"charts", "hymns"}))), bad]
    assert "learnt from this music" not in to_markdown([Results(results.run, scores)], "bad")
    elsewhere = replace(results.run, known=0, collections={"marches": 24})
    assert "learnt from this music" not in to_markdown([Results(elsewhere, scores)], "bad")
    known = Results(replace(results.run, known=7, collections={"hymns": 7}), scores)
    text = to_markdown([known], "bad")
    assert "**7 of these tracks" in text
    assert text.count("| good (learnt from this music) |") == 4
    assert text.count("| bad |") == 3
    assert [system["heard_this_music_before"] for system in known.to_json()["systems"]] == [True, False]


def test_the_protocols_come_in_order_and_the_json_keeps_its_form(results: Results) -> None:
    equal = replace(results, scores=[replace(scores, cost=2.5) for scores in results.scores], protocol=CHANNEL_EQUAL)
    text = to_markdown([equal, results], "good")
    titles = [line for line in text.splitlines() if line.startswith("## Finding")]
    assert titles == [f"## Finding the album, {protocol}" for protocol in (CHANNEL_EQUAL, FULL_BAND)]
    assert text.count("nDCG@10 | cost |") == 1
    assert text.count("| 2.50 |") == 2
    content = to_json([equal, results])
    assert {key: content[key] for key in results.to_json()} == results.to_json()
    assert [system["cost"] for system in content["channel_equal"]["systems"]] == [2.5, 2.5]


def test_files_that_were_learnt_from_are_known_by_their_checksums() -> None:
    some = resources.files("soundalike.research.evaluation").joinpath(training_overlap.FILE).read_text().split()[:3]
    assert training_overlap.count([digits + 48 * "0" for digits in some]) == 3
    assert training_overlap.count(["0" * 64]) == 0


def test_a_system_that_is_not_there_is_not_found(results: Results) -> None:
    with pytest.raises(KeyError):
        results.of("nobody")
