from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from soundalike.domain.tags import TAG_NAMES
from soundalike.extractor import tagger, tensorflow_backend
from soundalike.extractor.batch import Batch, EmbeddedFile, find_audio_files
from soundalike.extractor.cli import app
from soundalike.extractor.models import choi_2017
from soundalike.testing.hostile_text import HOSTILE_NAMES, active_characters

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

PUBLISHED_SHA256 = choi_2017.SHA256


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path_factory.mktemp("cache")))
    for name in ("MODEL", "CHOI_WEIGHTS", "STATISTICS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A library of two good files, a broken one, and what else lies about in such a folder."""
    folder = tmp_path / "music"
    (folder / "album é").mkdir(parents=True)
    tone = 0.3 * np.sin(np.arange(22_050 * 40) / 12)
    soundfile.write(folder / "album é" / "1.flac", tone, 22_050)
    soundfile.write(folder / "b.mp3", tone * (np.arange(len(tone)) % 8_000 < 3_000), 22_050)
    (folder / "broken.mp3").write_bytes(b"not what its name says")
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "._b.mp3").write_bytes(bytes(100))
    return folder


def run(*arguments: object) -> Result:
    # Wide enough that no line of a message with a path is broken.
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "1000"})


def test_a_library_becomes_vectors_and_the_broken_file_its_reason(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    result = run("extract", music, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"{music / 'broken.mp3'}: the content is not audio" in result.stderr.replace("\n", " ")
    assert "2 files extracted, 1 failed" in result.stderr
    with np.load(out, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["model", "paths", "tag_names", "tags", "vectors"]
        assert arrays["paths"].tolist() == [str(music / "album é" / "1.flac"), str(music / "b.mp3")]
        assert arrays["vectors"].shape == (2, 160)
        assert arrays["vectors"].dtype == np.float32
        assert np.isfinite(arrays["vectors"]).all()
        assert str(arrays["model"]).startswith("soundalike-1-fixed-")
        assert (arrays["tags"].shape, arrays["tags"].dtype) == ((2, 50), np.float32)
    assert {file.name for file in tmp_path.iterdir()} == {"music", "out.npz"}


def test_model_and_mode_are_options_and_variables(
    choi_weights: Path, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL", "choi-2017")
    monkeypatch.setenv("CHOI_WEIGHTS", str(choi_weights))
    monkeypatch.setenv("STATISTICS", "clip")
    assert run("extract", music / "b.mp3", "--out", tmp_path / "a.npz").exit_code == 0
    assert run("extract", music / "b.mp3", "--out", tmp_path / "b.npz", "--statistics", "fixed").exit_code == 0
    with np.load(tmp_path / "a.npz") as clip, np.load(tmp_path / "b.npz") as fixed:
        assert "-clip-" in str(clip["model"])
        assert "-fixed-" in str(fixed["model"])
        assert not np.allclose(clip["vectors"], fixed["vectors"])


def test_with_weights_of_the_published_network(choi_weights: Path, music: Path, tmp_path: Path) -> None:
    result = run(
        "extract", music / "b.mp3", "--out", tmp_path / "a.npz", "--model", "choi-2017", "--weights", choi_weights
    )
    assert result.exit_code == 0, result.output
    with np.load(tmp_path / "a.npz") as arrays:
        assert sorted(arrays) == ["model", "paths", "tag_names", "tags", "vectors"]
        assert str(arrays["model"]).startswith("choi-2017-fixed-caf89f81-")
        assert (arrays["tags"].shape, arrays["tags"].dtype) == ((1, 50), np.float32)
        assert ((arrays["tags"] > 0) & (arrays["tags"] < 1)).all()
        assert arrays["tag_names"].tolist() == list(TAG_NAMES)


def test_mean_tag_probabilities_are_measured_over_a_folder(choi_weights: Path, music: Path, tmp_path: Path) -> None:
    vectors, out = tmp_path / "a.npz", tmp_path / "measured.json"
    assert run("extract", music, "--out", vectors, "--model", "choi-2017", "--weights", choi_weights).exit_code == 0
    result = run("measure-tags", music, "--out", out, "--weights", choi_weights, "--description", "two tones")
    assert result.exit_code == 0, result.output
    means = tagger.parse(out.read_text(encoding="utf-8"))
    assert (means.clips, means.corpus) == (2, "two tones")
    with np.load(vectors) as arrays:
        np.testing.assert_allclose(means.probabilities, arrays["tags"].mean(axis=0), atol=1e-5)


def test_an_unknown_model_is_refused_with_the_known_ones(music: Path, tmp_path: Path) -> None:
    result = run("extract", music, "--out", tmp_path / "a.npz", "--model", "choi-2016")
    assert result.exit_code == 2
    assert "soundalike-1" in result.stderr


def test_without_weights_it_fails_and_says_how_to_get_them(music: Path, tmp_path: Path) -> None:
    result = run("extract", music, "--out", tmp_path / "out.npz", "--model", "choi-2017")
    assert result.exit_code == 78
    assert "CHOI_WEIGHTS" in result.stderr
    assert "MODEL=soundalike-1" in result.stderr
    assert not (tmp_path / "out.npz").exists()


def test_without_any_decodable_file_it_fails_and_writes_nothing(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    for paths in ([music / "broken.mp3", music / "missing.mp3"], [tmp_path / "album"]):
        (tmp_path / "album").mkdir(exist_ok=True)
        result = run("extract", *paths, "--out", out)
        assert result.exit_code == 1, result.output
        assert not out.exists()
    assert "no audio file was found" in result.stderr


def test_a_missing_output_folder_is_reported_before_the_work(music: Path, tmp_path: Path) -> None:
    result = run("extract", music, "--out", tmp_path / "nowhere" / "out.npz")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_folders_are_searched_by_name_and_named_files_always_taken(music: Path) -> None:
    files = find_audio_files([music / "cover.jpg", music, music / "b.mp3"])
    assert [str(file.relative_to(music)) for file in files] == ["cover.jpg", "album é/1.flac", "b.mp3", "broken.mp3"]


def test_an_interrupted_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.npz"
    batch = Batch("model", [EmbeddedFile(tmp_path / "a", np.zeros(160, np.float32))])
    batch.save(out)
    before = out.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o666 & ~current_umask()

    def interrupted(file: object, **_: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batch.save(out)
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_statistics_are_measured_over_a_folder(choi_weights: Path, music: Path, tmp_path: Path) -> None:
    from soundalike.extractor.statistics import parse

    out = tmp_path / "measured.json"
    result = run("measure-statistics", music, "--out", out, "--weights", choi_weights, "--description", "two tones")
    assert result.exit_code == 0, result.output
    measured = parse(out.read_text(encoding="utf-8"))
    assert (measured.clips, measured.corpus, measured.weights_sha256) == (2, "two tones", PUBLISHED_SHA256)
    assert "broken.mp3" in result.stderr


def test_measuring_without_tensorflow_says_where_to_get_it(
    choi_weights: Path, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensorflow_backend.tensorflow.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    result = run("measure-statistics", music, "--out", tmp_path / "measured.json", "--weights", choi_weights)
    assert result.exit_code == 1
    assert "make install" in result.stderr
    assert "broken.mp3" not in result.stderr, "reported before the work"


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_paths_and_reasons_reach_the_terminal_as_text(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for number, name in enumerate(HOSTILE_NAMES):
        (folder / f"{number} {name}.mp3").write_bytes(b"not what its name says")
    result = run("extract", folder, "--out", tmp_path / "a.npz")
    assert result.exit_code == 1
    assert active_characters(result.output, keep="\n") == set()
    lines = result.stderr.splitlines()
    assert len(lines) == len(HOSTILE_NAMES) + 1
    assert any(r"\x1b]0;owned\x07" in line for line in lines)
