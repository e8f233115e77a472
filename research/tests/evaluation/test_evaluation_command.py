from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from soundalike.extractor import weights
from soundalike.extractor.statistics import Statistics
from soundalike.research.evaluation.cli import app
from soundalike.research.evaluation.errors import InvalidModel, UnknownSystem
from soundalike.research.evaluation.projection_fit import TrainingVectors
from soundalike.research.evaluation.systems import ALWAYS, ModelFiles, Registry
from soundalike.research.evaluation.training_overlap import FREE_GAMES
from soundalike.similarity.builtin import builtin_projection
from soundalike.testing.hostile_text import HOSTILE_NAMES, active_characters

if TYPE_CHECKING:
    from collections.abc import Callable


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


def without_costs(numbers: str) -> object:
    content = json.loads(numbers)
    for system in [*content["systems"], *content["channel_equal"]["systems"]]:
        del system["cost"]
    return content


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CHOI_WEIGHTS", raising=False)
    return tmp_path


def test_a_folder_is_measured_and_the_report_names_no_path(make_corpus: Callable[..., Path], home: Path) -> None:
    folder = make_corpus(4, 4)
    (folder / "album-0" / "3.wav").write_text("broken")
    done = run("--corpus", folder, "--out", home / "out", "--systems", "random,mfcc", "--seed", "5")
    assert done.exit_code == 0, done.output
    assert "album-0/3.wav" in done.output
    report, numbers = ((home / "out" / name).read_text() for name in ("RESULTS.md", "results.json"))
    assert "python -m soundalike.research.evaluation --corpus CORPUS --systems random,mfcc --seed 5" in report
    assert str(home) not in report + numbers
    content = json.loads(numbers)
    assert content["corpus"]["tracks"] == 15
    by_name = {system["name"]: system["measures"] for system in content["systems"]}
    assert by_name["mfcc"]["map"]["value"] > 0.9 > by_name["random"]["map"]["value"]
    assert {"mp3-64_first", "quieter-6_rank"} < set(by_name["mfcc"])
    # Of recordings of 8 s, too little is left 5 s later.
    assert "shifted-5_first" not in by_name["mfcc"]
    assert (home / "cache" / "soundalike" / "evaluation.sqlite").is_file()
    again = run("--corpus", folder, "--out", home / "again", "--systems", "random,mfcc", "--seed", "5")
    assert again.exit_code == 0
    assert without_costs((home / "again" / "results.json").read_text()) == without_costs(numbers)
    titles = [line for line in report.splitlines() if line.startswith("## Finding the album")]
    assert titles == ["## Finding the album, channel equal", "## Finding the album, full band"]
    equal = {system["name"]: system for system in content["channel_equal"]["systems"]}
    assert set(by_name["mfcc"]) == set(equal["mfcc"]["measures"])
    assert equal["mfcc"]["cost"] > equal["random"]["cost"] > 1


def test_versions_are_left_out_when_told_so(make_corpus: Callable[..., Path], home: Path) -> None:
    done = run("--corpus", make_corpus(4, 3), "--out", home / "out", "--systems", "random", "--no-robustness")
    assert done.exit_code == 0, done.output
    content = json.loads((home / "out" / "results.json").read_text())
    assert content["command"].endswith("--no-robustness")
    assert not [key for key in content["systems"][0]["measures"] if "_first" in key]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--systems", "random,nobody"], 2, "no system 'nobody'"),
        (["--model", "mine"], 2, "NAME=WEIGHTS.hdf5,STATISTICS.json"),
        (["--model", "mine=weights.hdf5,"], 2, "NAME=WEIGHTS.hdf5,STATISTICS.json"),
        (["--model", "mine=missing.npz"], 78, "model mine"),
        (["--systems", "choi-fixed", "--weights", "missing.hdf5"], 78, "CHOI_WEIGHTS"),
        (["--model", "mine=missing.hdf5,missing.json"], 78, "model mine"),
        (["--blend", "both=random:1,nobody:1"], 2, "no system 'nobody'"),
        (["--blend", "both=random:1,mfcc:-1"], 2, "positive weights"),
        (["--blend", "both=random:1,random:2"], 2, "each system once"),
        (["--excerpts", "1,2"], 2, "must be of 1, 3, 5"),
        (["--systems", "random", "--cache", "."], 1, "cannot be used"),
        (["--systems", "random"], 1, "at least two are required"),
    ],
)
def test_errors_have_a_message_and_an_exit_code(
    make_corpus: Callable[..., Path], home: Path, arguments: list[str], code: int, message: str
) -> None:
    done = run("--corpus", make_corpus(1, 3), "--systems", "random", *arguments, "--out", home / "out")
    assert done.exit_code == code, done.output
    assert message in " ".join(done.output.split())
    assert not (home / "out").exists()


def test_a_corpus_that_is_not_there_is_refused(home: Path) -> None:
    done = run("--corpus", home / "missing", "--systems", "random", "--out", home / "out")
    assert (done.exit_code, "is not a folder" in done.output) == (1, True)


def test_other_numbers_of_excerpts_are_systems_with_vectors_of_their_own() -> None:
    three, one, five, shipped = Registry().select(
        ["soundalike-1", "soundalike-1-single", "soundalike-1-five", "soundalike-1-five-shipped"]
    )
    assert [len(system.extractor.rule.spans(200 * 12_000, 12_000)) for system in (three, one, five)] == [3, 1, 5]
    assert len({system.extractor.id for system in (three, one, five)}) == 3
    assert shipped.extractor is five.extractor
    assert shipped.fit is not None


def test_a_model_may_not_take_the_name_of_a_system() -> None:
    with pytest.raises(UnknownSystem, match="another name"):
        Registry(models=[ModelFiles("one", Path("w")), ModelFiles("random", Path("w"))])


def test_a_model_of_ones_own_is_judged_raw_and_projected(choi_weights: Path, tmp_path: Path) -> None:
    sha256 = weights.parse(choi_weights.read_bytes()).sha256
    statistics = Statistics(np.zeros((5, 32)), np.ones((5, 32)), sha256, clips=1, corpus="none", command="none")
    (tmp_path / "own.json").write_text(statistics.to_json())
    registry = Registry(choi_weights, [ModelFiles("own", choi_weights, tmp_path / "own.json")])
    own, projected, choi = registry.select(["own", "own-projected", "choi-fixed"])
    assert own.extractor is projected.extractor
    assert own.extractor.id != choi.extractor.id
    assert own.fit is None
    assert projected.fit is not None
    samples = np.random.default_rng(0).standard_normal(348_000).astype(np.float32)
    assert own.extractor([samples]).shape == (160,)


def test_a_model_of_ones_own_is_named_in_the_command_without_its_folder(
    choi_weights: Path, make_corpus: Callable[..., Path], home: Path
) -> None:
    sha256 = weights.parse(choi_weights.read_bytes()).sha256
    statistics = Statistics(np.zeros((5, 32)), np.ones((5, 32)), sha256, clips=1, corpus="none", command="none")
    (home / "own.json").write_text(statistics.to_json())
    options = ("--model", f"own={choi_weights},{home / 'own.json'}", "--systems", "random", "--no-robustness")
    done = run("--corpus", make_corpus(4, 3), *options, "--out", home / "out")
    assert done.exit_code == 0, done.output
    content = json.loads((home / "out" / "results.json").read_text())
    assert [system["name"] for system in content["systems"]] == ["random", "own", "own-projected"]
    assert f"--systems random --model own={choi_weights.name},own.json" in content["command"]
    assert str(home) not in json.dumps(content)


def test_statistics_of_other_weights_are_refused(choi_weights: Path, tmp_path: Path) -> None:
    statistics = Statistics(np.zeros((5, 32)), np.ones((5, 32)), "0" * 64, clips=1, corpus="none", command="none")
    (tmp_path / "own.json").write_text(statistics.to_json())
    with pytest.raises(InvalidModel, match="was measured for the weights 00000000"):
        ModelFiles("own", choi_weights, tmp_path / "own.json").load()


def test_all_systems_can_be_made_and_share_their_extractors(choi_weights: Path) -> None:
    systems = Registry(choi_weights).select(["all"])
    assert len({system.name for system in systems}) == len(systems) > len(ALWAYS)
    assert {id(one.extractor) for one in systems if one.name.startswith("choi-projected")} == {
        id(next(one.extractor for one in systems if one.name == "choi-fixed"))
    }


def test_the_shipped_projection_is_taken_as_it_is(choi_weights: Path) -> None:
    fixed, builtin = Registry(choi_weights).select(["choi-fixed", "choi-shipped"])
    assert builtin.extractor is fixed.extractor
    assert builtin.fit is not None
    projection = builtin_projection(builtin.extractor.id)
    assert projection is not None
    random = np.random.default_rng(0)
    vectors = random.standard_normal((4, 160))
    nothing = TrainingVectors(random.standard_normal((2, 160)), np.arange(2), np.arange(2))
    transformed = builtin.fit(nothing, 1).transform(vectors)
    np.testing.assert_allclose(transformed, projection.apply_exactly(vectors))
    assert builtin.learnt_from - fixed.learnt_from == {FREE_GAMES}


def test_paths_and_names_reach_the_terminal_as_text(make_corpus: Callable[..., Path], home: Path) -> None:
    folder = make_corpus(4, 3)
    with (folder / "tracks.csv").open("a", newline="", encoding="utf-8", errors="surrogateescape") as table:
        for number, name in enumerate(HOSTILE_NAMES):
            path = f"album-0/{number} {name}.wav"
            (folder / path).write_bytes(b"not what its name says")
            csv.writer(table).writerow([path, f"album 0 {name}", f"artist {name}"])
    done = run("--corpus", folder, "--out", home / "out", "--systems", "random", "--no-robustness")
    assert active_characters(done.output, keep="\n") == set()


def test_blends_and_numbers_of_excerpts_are_judged_beside_the_systems(
    make_corpus: Callable[..., Path], home: Path
) -> None:
    folder = make_corpus(4, 3)
    options = ("--systems", "mfcc", "--blend", "both=mfcc:1,random:0.01", "--excerpts", "1,3", "--no-robustness")
    done = run("--corpus", folder, *options, "--out", home / "out")
    assert done.exit_code == 0, done.output
    content = json.loads((home / "out" / "results.json").read_text())
    assert [system["name"] for system in content["systems"]] == ["mfcc@1", "both@1", "mfcc", "both"]
    assert "--systems mfcc --blend both=mfcc:1,random:0.01 --excerpts 1,3 --seed" in content["command"]
    values = {system["name"]: system["measures"]["map"]["value"] for system in content["systems"]}
    assert values["both"] > 0.9


def test_a_blend_has_learnt_what_its_blocks_have() -> None:
    blend = Registry().blend("both=soundalike-1-shipped:1,mfcc:0.5")
    assert FREE_GAMES in blend.learnt_from
    single = blend.by_excerpts(1)
    assert [len(extractor.rule.tenths) for extractor in single.extractors] == [1, 1]
    assert (single.name, blend.by_excerpts(3)) == ("both@1", blend)


def test_the_list_of_a_corpus_tells_what_its_music_is(make_corpus: Callable[..., Path], home: Path) -> None:
    folder = make_corpus(4, 3)
    rows = list(csv.DictReader((folder / "tracks.csv").read_text(encoding="utf-8").splitlines()))
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, [*rows[0], "collection"])
        writer.writeheader()
        writer.writerows({**row, "collection": "free-games" if row["album"] == "album 0" else ""} for row in rows)
    done = run("--corpus", folder, "--out", home, "--systems", "random,soundalike-1-shipped", "--no-robustness")
    assert done.exit_code == 0, done.output
    content = json.loads((home / "results.json").read_text())
    assert content["corpus"]["collections"] == {"free-games": 3}
    assert [system["heard_this_music_before"] for system in content["systems"]] == [False, True]
    assert "**3 of these tracks" in (home / "RESULTS.md").read_text()
