from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from soundalike.similarity.index.annoy import AnnoyEngine, write
from soundalike.similarity.index.builder import BuildParameters, build_version
from soundalike.similarity.index.errors import EmptyIndex, InvalidBuildInput
from soundalike.similarity.index.files import DATA_FILES
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.recall import RecallBenchmark, tune_effort
from soundalike.similarity.index.search import IndexSearch, exact_nearest
from soundalike.similarity.projection import Projection

from .conftest import NAME, clustered, urns_of

Build = Callable[..., tuple[Path, Manifest]]


def test_writes_every_file_and_nothing_else(build: Build) -> None:
    directory, manifest = build(300)
    assert sorted(path.name for path in directory.iterdir()) == sorted(Manifest.all_files())
    assert Manifest.from_json((directory / "manifest.json").read_text()) == manifest
    assert (manifest.count, manifest.dimensions, manifest.up_to_seq) == (300, 24, 7)
    assert manifest.recall_at_10 >= 0.98


def test_the_same_input_gives_the_same_bytes(build: Build) -> None:
    first, second = build(500, "first")[0], build(500, "second")[0]
    for name in Manifest.all_files():
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_another_seed_gives_another_forest(build: Build) -> None:
    first, second = build(500, "first")[0], build(500, "second", seed=2)[0]
    assert (first / "index.bin").read_bytes() != (second / "index.bin").read_bytes()
    assert (first / "vectors.npy").read_bytes() == (second / "vectors.npy").read_bytes()


def test_vectors_are_projected_and_of_unit_length(tmp_path: Path) -> None:
    raw = clustered(100)
    projection = Projection(
        mean=raw.mean(axis=0), scale=raw.std(axis=0), components=np.eye(24)[:5], eigenvalues=np.ones(5), exponent=0.25
    )
    manifest = build_version(tmp_path, NAME, raw, urns_of(100), projection, BuildParameters(trees=3))
    vectors = np.load(tmp_path / "vectors.npy")
    assert manifest.dimensions == 5
    np.testing.assert_array_equal(vectors, projection.apply(raw))


def forest(path: Path, vectors: np.ndarray, *, trees: int, effort: int) -> IndexSearch:
    write(path, vectors, trees=trees, seed=1)
    with path.open("rb") as file:
        engine = AnnoyEngine(file, vectors, trees=trees, effort=effort)
    return IndexSearch(engine, vectors, search_dimensions=24)


def test_takes_the_smallest_effort_that_meets_the_goal(build: Build) -> None:
    lazy = build(4000, "lazy", trees=1, effort=1, doublings=0)[1]
    eager = build(4000, "eager", trees=1, effort=1, doublings=14)[1]
    assert lazy.effort == 1
    assert lazy.recall_at_10 < 0.98 <= eager.recall_at_10
    assert eager.effort > 1


def test_the_effort_is_no_more_than_it_must_be() -> None:
    class Steep:
        effort = 0

        def set_effort(self, effort: int) -> None:
            self.effort = effort

    class Measured:
        efforts: tuple[int, ...] = ()

        def recall(self, search: Steep) -> float:
            self.efforts += (search.effort,)
            return 1.0 if search.effort >= 1300 else 0.5

    search, measured = Steep(), Measured()
    assert tune_effort(search, measured, first=100, goal=0.98, doublings=9) == (1300, 1.0)
    assert measured.efforts == (100, 200, 400, 800, 1600, 1200, 1400, 1300)


def test_recall_counts_the_true_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.similarity.index.search._MIN_CANDIDATES", 1)
    vectors = Projection.identity(24).apply(clustered(2000))
    search = forest(tmp_path / "index.bin", vectors, trees=1, effort=1)
    rows = np.arange(0, 2000, 40)
    share = []
    cosines = vectors @ vectors.T
    for row in rows:
        true = set(np.argsort(-cosines[row], kind="stable")[:11]) - {row}
        got = set(search.nearest(vectors[row], 11)[0].tolist()) - {row}
        share.append(len(true & got) / 10)
    assert 0.0 < np.mean(share) < 1.0
    assert RecallBenchmark.of(vectors, rows).recall(search) == pytest.approx(np.mean(share))
    search.close()


def test_equal_vectors_are_no_loss_of_recall(tmp_path: Path) -> None:
    vectors = np.repeat(Projection.identity(24).apply(clustered(4)), 50, axis=0)
    search = forest(tmp_path / "index.bin", vectors, trees=5, effort=100)
    assert RecallBenchmark.of(vectors, np.arange(200)).recall(search) == 1.0
    search.close()


def test_a_build_goes_on_where_a_crash_ended_it(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = build(500, "whole")[0]

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("soundalike.similarity.index.builder.tune_effort", killed)
        with pytest.raises(KeyboardInterrupt):
            build(500, "crashed")
    for step in ("write_projected", "write_index"):
        monkeypatch.setattr(f"soundalike.similarity.index.builder.{step}", killed)
    crashed = build(500, "crashed")[0]
    for name in Manifest.all_files():
        assert (whole / name).read_bytes() == (crashed / name).read_bytes(), name


@pytest.mark.parametrize("count", [1, 2, 5, 11])
def test_builds_of_few_vectors(build: Build, count: int) -> None:
    assert build(count)[1].recall_at_10 == 1.0


def test_exact_search_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.similarity.index.search._BLOCK_ROWS", 64)
    vectors = Projection.identity(24).apply(clustered(300))
    rows, cosines = exact_nearest(vectors, vectors[:5], 20)
    for query in range(5):
        everything = vectors @ vectors[query]
        np.testing.assert_array_equal(rows[query], np.argsort(-everything, kind="stable")[:20])
        np.testing.assert_allclose(cosines[query], np.sort(everything)[::-1][:20], atol=1e-6)


def test_refuses_to_build_of_nothing(build: Build, tmp_path: Path) -> None:
    with pytest.raises(EmptyIndex, match="no vectors"):
        build(0)
    assert not (tmp_path / "version").exists()


def test_refuses_parts_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InvalidBuildInput, match=r"2 urns for vectors \[3, 24\]"):
        build_version(tmp_path, NAME, clustered(3), urns_of(2), Projection.identity(24), BuildParameters())
    with pytest.raises(InvalidBuildInput, match=r"expected vectors \[n, 23\]"):
        build_version(tmp_path, NAME, clustered(3), urns_of(3), Projection.identity(23), BuildParameters())


def test_a_failed_build_leaves_no_manifest(tmp_path: Path) -> None:
    raw = clustered(40)
    raw[30, 2] = np.nan
    with pytest.raises(InvalidBuildInput, match="not finite"):
        build_version(tmp_path, NAME, raw, urns_of(40), Projection.identity(24), BuildParameters())
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= set(DATA_FILES) - {"vectors.npy", "index.bin"}
