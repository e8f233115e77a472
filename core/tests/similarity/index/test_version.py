import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from soundalike.similarity.index.builder import BuildParameters, build_version
from soundalike.similarity.index.errors import InvalidQuery, VersionClosed
from soundalike.similarity.index.files import DATA_FILES
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.version import IndexVersion, Match
from soundalike.similarity.projection import Projection
from soundalike.storage.artifacts.errors import ArtifactError, CorruptVersion, InvalidManifest
from soundalike.storage.artifacts.manifest import MANIFEST, file_entries
from soundalike.storage.artifacts.verification import VersionFiles
from soundalike.storage.atomic_files import sha256_of
from soundalike.testing.wait import scale

from .conftest import NAME, clustered, open_version, urns_of

Build = Callable[..., tuple[Path, Manifest]]


def vouch_again(directory: Path, **changes: object) -> None:
    """Make the manifest agree with files that a test has exchanged."""
    content = json.loads((directory / "manifest.json").read_text()) | changes
    content["files"] = {name: entry.model_dump() for name, entry in file_entries(directory, DATA_FILES).items()}
    (directory / "manifest.json").write_text(json.dumps(content))


def test_answers_what_exact_search_answers(build: Build) -> None:
    directory, manifest = build(2000)
    unit = Projection.identity(24).apply(clustered(2000))
    with open_version(directory) as version:
        assert version.manifest == manifest
        assert len(version) == 2000
        for row in (0, 777, 1999):
            query = version.projection.apply(clustered(2000)[row : row + 1])[0]
            cosines = unit @ unit[row]
            expected = np.argsort(-cosines, kind="stable")[:10]
            matches = version.search(query, 10)
            assert [match.urn for match in matches] == [urns_of(2000)[i] for i in expected]
            np.testing.assert_allclose([match.cosine for match in matches], cosines[expected], atol=1e-6)
            assert matches[0].cosine <= 1.0


@pytest.mark.parametrize("count", [1, 2, 60])
def test_more_than_there_is_gives_all_there_is(build: Build, count: int) -> None:
    with open_version(build(count)[0]) as version:
        matches = version.search(clustered(1, seed=9)[0], 1000)
        assert {match.urn for match in matches} == set(urns_of(count))
        assert matches == sorted(matches, key=lambda match: -match.cosine)


@pytest.mark.parametrize("k", [500, 1999, 2000])
def test_large_k_is_answered_in_full_despite_a_small_search_k(build: Build, k: int) -> None:
    with open_version(build(2000, effort=1, doublings=0)[0]) as version:
        assert len(version.search(clustered(1, seed=9)[0], k)) == k


def test_zero_results_requested(build: Build) -> None:
    with open_version(build(5)[0]) as version:
        assert version.search(clustered(1)[0], 0) == []


def test_a_query_without_direction_is_equally_far_from_everything(build: Build) -> None:
    with open_version(build(5)[0]) as version:
        assert version.search(np.zeros(24, np.float32), 2) == [Match(urn, 0.0) for urn in urns_of(2)]


@pytest.mark.parametrize("name", DATA_FILES)
def test_refuses_an_altered_file(build: Build, name: str) -> None:
    directory, _ = build(50)
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(CorruptVersion, match=f"{name} of version .* was altered"):
        open_version(directory)


@pytest.mark.parametrize("name", DATA_FILES)
def test_refuses_a_truncated_file(build: Build, name: str) -> None:
    directory, _ = build(50)
    os.truncate(directory / name, (directory / name).stat().st_size - 1)
    with pytest.raises(CorruptVersion, match=f"{name} of version .* bytes instead of"):
        open_version(directory)


@pytest.mark.parametrize("name", [*DATA_FILES, "manifest.json"])
def test_refuses_a_missing_file(build: Build, name: str) -> None:
    directory, _ = build(50)
    digest = sha256_of(directory / MANIFEST)
    (directory / name).unlink()
    with pytest.raises(CorruptVersion, match=name):
        IndexVersion.open(directory, digest)


def test_refuses_another_manifest_than_was_published(build: Build) -> None:
    directory, _ = build(50)
    digest = sha256_of(directory / MANIFEST)
    vouch_again(directory)
    open_version(directory).close()
    with pytest.raises(CorruptVersion, match="is not the one that was published"):
        IndexVersion.open(directory, digest)


def test_what_takes_the_name_of_a_file_that_is_open_is_not_mapped(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, _ = build(500)
    open_files = VersionFiles.open

    def exchange_afterwards(*arguments: Any) -> VersionFiles[Manifest]:
        files = open_files(*arguments)
        for name in DATA_FILES:
            (directory / name).unlink()
            (directory / name).write_bytes(b"x" * 10_000)
        return files

    monkeypatch.setattr(VersionFiles, "open", exchange_afterwards)
    with open_version(directory) as version:
        assert [match.urn for match in version.search(version.sample(1)[0], 1)] == urns_of(1)


def test_refuses_a_half_written_manifest(build: Build) -> None:
    directory, _ = build(50)
    os.truncate(directory / "manifest.json", 40)
    with pytest.raises(InvalidManifest, match="not JSON"):
        open_version(directory)


@pytest.mark.parametrize("changes", [{"dimensions": 23}, {"dimensions": 25}, {"count": 49}, {"count": 51}])
def test_refuses_a_manifest_of_other_vectors(build: Build, changes: dict[str, int]) -> None:
    directory, _ = build(50)
    vouch_again(directory, **changes)
    with pytest.raises(ArtifactError, match=r"projection\.npz gives 24|vectors\.npy contains|exceed dimensions"):
        open_version(directory)


def test_refuses_an_index_of_other_vectors(build: Build) -> None:
    directory, _ = build(50)
    (directory / "index.bin").write_bytes((build(49, "other")[0] / "index.bin").read_bytes())
    vouch_again(directory)
    with pytest.raises(CorruptVersion, match="are not the vectors of the version"):
        open_version(directory)


def test_refuses_an_index_annoy_cannot_load(build: Build) -> None:
    directory, _ = build(50)
    (directory / "index.bin").write_bytes(b"x" * 1001)
    vouch_again(directory)
    with pytest.raises(CorruptVersion, match="are no nodes of 50 items"):
        open_version(directory)


def test_refuses_arrays_of_another_kind(build: Build) -> None:
    directory, _ = build(50)
    np.save(directory / "urns.npy", np.arange(50))
    vouch_again(directory)
    with pytest.raises(CorruptVersion, match=r"urns\.npy contains int64"):
        open_version(directory)
    (directory / "urns.npy").write_bytes(b"not an array at all")
    vouch_again(directory)
    with pytest.raises(CorruptVersion, match=r"urns\.npy is not an array"):
        open_version(directory)


def test_refuses_a_projection_that_is_none(build: Build) -> None:
    directory, _ = build(50)
    (directory / "projection.npz").write_bytes(b"nothing")
    vouch_again(directory)
    with pytest.raises(CorruptVersion, match=r"projection\.npz of version"):
        open_version(directory)


@pytest.mark.parametrize(
    ("query", "message"),
    [(np.zeros(23), r"expected a vector \[24\], got \[23\]"), (np.full(24, np.nan), "not finite")],
)
def test_refuses_queries_that_do_not_fit(build: Build, query: np.ndarray, message: str) -> None:
    with open_version(build(5)[0]) as version, pytest.raises(InvalidQuery, match=message):
        version.search(query.astype(np.float32), 3)


def test_many_threads_get_what_one_gets(build: Build) -> None:
    queries = clustered(200, seed=4)
    with open_version(build(1000)[0]) as version, ThreadPoolExecutor(8) as pool:
        alone = [version.search(query, 10) for query in queries]
        assert list(pool.map(lambda query: version.search(query, 10), queries)) == alone


def test_a_closed_version_says_so(build: Build) -> None:
    version = open_version(build(5)[0])
    version.close()
    version.close()
    with pytest.raises(VersionClosed):
        version.search(clustered(1)[0], 1)


def test_a_search_under_way_outlives_the_close(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    version = open_version(build(500)[0])
    engine = version._search._engine
    entered, go_on, events = Event(), Event(), []

    class Watched:
        def nearest(self, query: np.ndarray, k: int) -> np.ndarray:
            entered.set()
            assert go_on.wait(scale(30))
            events.append("searched")
            return engine.nearest(query, k)

        def close(self) -> None:
            events.append("unmapped")
            engine.close()

    monkeypatch.setattr(version._search, "_engine", Watched())
    matches: list[Match] = []
    searching = Thread(target=lambda: matches.extend(version.search(clustered(1)[0], 3)))
    searching.start()
    assert entered.wait(scale(30))
    version.close()
    assert events == []
    go_on.set()
    searching.join(scale(30))
    assert len(matches) == 3
    assert events == ["searched", "unmapped"]


def test_names_lead_to_rows_and_vectors(build: Build) -> None:
    directory, _ = build(300)
    unit = Projection.identity(24).apply(clustered(300))
    with open_version(directory) as version:
        urns = [urns_of(300)[7], "file:track:zz", urns_of(300)[299], "", "a" * 500, urns_of(300)[0]]
        vectors = version.vectors_of(urns)
        np.testing.assert_array_equal(vectors[[0, 2, 5]], unit[[7, 299, 0]])
        assert np.isnan(vectors[[1, 3, 4]]).all()
        assert version.vectors_of([]).shape == (0, 24)


def test_rows_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ["c", "a", "b", "aa"]
    build_version(tmp_path, NAME, clustered(4), names, Projection.identity(24), BuildParameters())
    unit = Projection.identity(24).apply(clustered(4))
    with open_version(tmp_path) as version:
        assert [version.search(unit[row], 1)[0].urn for row in range(4)] == names
        np.testing.assert_array_equal(version.vectors_of(names), unit)


@pytest.mark.parametrize("engine", ["annoy", "usearch"])
def test_every_engine_finds_what_exact_search_finds(build: Build, engine: str) -> None:
    directory, manifest = build(2000, engine=engine, search_dimensions=12)
    unit = Projection.identity(24).apply(clustered(2000))
    assert (manifest.engine, manifest.search_dimensions) == (engine, 12)
    assert manifest.recall_at_10 >= 0.98
    with open_version(directory) as version:
        results = [{match.urn for match in version.search(unit[row], 10)} for row in range(0, 2000, 20)]
    true = [{urns_of(2000)[i] for i in np.argsort(-(unit @ unit[row]))[:10]} for row in range(0, 2000, 20)]
    assert sum(len(a & b) for a, b in zip(results, true, strict=True)) >= 0.97 * 1000


@pytest.mark.parametrize("content", [b"x" * 1001, b""])
def test_refuses_an_index_usearch_cannot_load(build: Build, content: bytes) -> None:
    directory, _ = build(500, engine="usearch")
    (directory / "index.bin").write_bytes(content or b"\0")
    vouch_again(directory)
    with pytest.raises(CorruptVersion, match="too few for 500 vectors"):
        open_version(directory)


def test_what_was_checked_is_refused_once_it_has_changed(build: Build) -> None:
    directory, _ = build(50)
    open_version(directory).close()
    content = bytearray((directory / "vectors.npy").read_bytes())
    content[-1] ^= 1
    (directory / "vectors.npy").write_bytes(content)
    with pytest.raises(CorruptVersion, match=r"vectors\.npy of version .* was altered"):
        open_version(directory)


def test_a_rehearsal_leaves_everything_as_it_was(build: Build) -> None:
    with open_version(build(300)[0]) as version:
        version.warm_up()
        assert len(version.search(clustered(1)[0], 5)) == 5
