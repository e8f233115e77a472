from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.similarity.taste.builder import build_taste
from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters, find_neighbours
from soundalike.similarity.taste.errors import TooFewFavorites
from soundalike.similarity.taste.favorite_pairs import FavoritePairsBuilder
from soundalike.similarity.taste.manifest import NEIGHBOURS, SIMILARITIES, STARTS, URNS, TasteManifest
from soundalike.similarity.taste.version import TasteVersion
from soundalike.storage.artifacts.errors import CorruptVersion, InvalidManifest
from soundalike.storage.artifacts.manifest import MANIFEST, file_entries
from soundalike.storage.atomic_files import sha256_of

from .conftest import open_taste

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from soundalike.similarity.taste.favorite_pairs import FavoritePairs

BUILT_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
COSINE = CooccurrenceParameters(method="cosine")

FANS: Mapping[str, Sequence[str]] = {
    "anna": ["a", "b", "c"],
    "ben": ["a", "b"],
    "cleo": ["a", "b", "star"],
    "dan": ["x", "y", "star"],
    "eve": ["x", "y"],
    "fay": ["lonely", "star", "y"],
}


def favorite_pairs(fans: Mapping[str, Sequence[str]] = FANS) -> FavoritePairs:
    reader = FavoritePairsBuilder()
    for user, tracks in fans.items():
        for track in tracks:
            reader.add(user, track)
    return reader.build()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    build_taste(tmp_path, "v1", BUILT_AT, favorite_pairs(), COSINE)
    return tmp_path


def test_what_the_same_people_favourite_goes_together(built: Path) -> None:
    version = open_taste(built)
    assert list(version.similar_tracks(["a"], 10)) == ["b", "star"]
    assert list(version.similar_tracks(["x"], 10)) == ["y", "star"]


def test_the_similarity_is_the_cosine_of_the_fans(built: Path) -> None:
    version = open_taste(built)
    lifts = version.similar_tracks(["x"], 10)
    # x and y have two fans in common of 2 and 3, x and star one of 2 and 3.
    assert lifts["y"] / lifts["star"] == pytest.approx(2.0)
    assert lifts["y"] * version.manifest.background == pytest.approx(2 / np.sqrt(6))


def test_average_pairs_have_a_lift_of_one_on_average(built: Path) -> None:
    version = open_taste(built)
    names = ["a", "b", "star", "x", "y"]
    total = sum(sum(version.similar_tracks([name], 10).values()) for name in names)
    assert total / (len(names) * (len(names) - 1)) == pytest.approx(1.0)


def test_several_tracks_are_averaged_and_never_answered(built: Path) -> None:
    version = open_taste(built)
    together = version.similar_tracks(["a", "x", "unknown"], 10)
    assert version.with_neighbours(["a", "x", "unknown"]) == ("a", "x")
    alone = [version.similar_tracks([each], 10) for each in ("a", "x")]
    assert together["star"] == pytest.approx((alone[0]["star"] + alone[1]["star"]) / 2)
    assert not {"a", "x"} & together.keys()
    assert "star" not in version.similar_tracks(["a"], 10, without=["star"])


def test_tracks_of_one_fan_are_in_no_file(built: Path) -> None:
    version = open_taste(built)
    assert "lonely" not in version
    assert "c" not in version
    assert version.similar_tracks(["lonely"], 10) == {}
    assert len(version) == 5


def test_no_file_names_a_person(built: Path) -> None:
    content = b"".join((built / name).read_bytes() for name in TasteManifest.all_files())
    assert not [user for user in FANS if user.encode() in content]


def test_who_favourites_everything_does_not_count(tmp_path: Path) -> None:
    robot = {**FANS, "robot": ["a", "b", "x", "y", "star", "lonely", "c"]}
    counted = CooccurrenceParameters(method="cosine", max_favorites=3)
    build_taste(tmp_path, "v1", BUILT_AT, favorite_pairs(robot), counted)
    assert "x" not in open_taste(tmp_path).similar_tracks(["a"], 10)


def test_only_so_many_neighbours_are_kept_the_most_similar_first() -> None:
    rng = np.random.default_rng(1)
    fans = {f"u{n}": sorted({f"t{t}" for t in rng.integers(40, size=12)}) for n in range(60)}
    pairs = favorite_pairs(fans).filter(min_fans=2, max_favorites=100)
    for method in ("cosine", "tfidf", "bm25"):
        all_of_them = find_neighbours(pairs, CooccurrenceParameters(method=method, neighbours=39))
        few = find_neighbours(pairs, CooccurrenceParameters(method=method, neighbours=5))
        for track in range(len(pairs.urns)):
            similarities = few.similarities[few.starts[track] : few.starts[track + 1]]
            best = all_of_them.similarities[all_of_them.starts[track] : all_of_them.starts[track + 1]][:5]
            np.testing.assert_allclose(similarities, best, rtol=1e-6)
            assert track not in few.numbers[few.starts[track] : few.starts[track + 1]]


@pytest.mark.parametrize("fans", [{}, {"u": ["a", "b"]}, {"u": ["a"], "v": ["a"]}])
def test_too_few_favourites_are_refused(tmp_path: Path, fans: Mapping[str, Sequence[str]]) -> None:
    with pytest.raises(TooFewFavorites):
        build_taste(tmp_path, "v1", BUILT_AT, favorite_pairs(fans), COSINE)


@pytest.mark.parametrize("name", TasteManifest.all_files())
def test_a_missing_file_is_reported(built: Path, name: str) -> None:
    digest = sha256_of(built / MANIFEST)
    (built / name).unlink()
    with pytest.raises(CorruptVersion, match=name):
        TasteVersion.open(built, digest)


def test_altered_and_shortened_files_are_reported(built: Path) -> None:
    content = bytearray((built / SIMILARITIES).read_bytes())
    content[-1] ^= 1
    (built / SIMILARITIES).write_bytes(content)
    with pytest.raises(CorruptVersion, match="was altered"):
        open_taste(built)
    (built / SIMILARITIES).write_bytes(content[:-4])
    with pytest.raises(CorruptVersion, match="bytes instead of"):
        open_taste(built)


def test_another_manifest_than_was_published_is_refused(built: Path) -> None:
    digest = sha256_of(built / MANIFEST)
    (built / MANIFEST).write_text((built / MANIFEST).read_text().replace('"pairs"', '"pairs" '))
    open_taste(built)
    with pytest.raises(CorruptVersion, match="is not the one that was published"):
        TasteVersion.open(built, digest)


@pytest.mark.parametrize(
    ("name", "row", "value", "message"),
    [
        (NEIGHBOURS, 0, 99, "beyond"),
        (NEIGHBOURS, -1, -1, "beyond"),
        (STARTS, 0, 1, "does not divide"),
        (STARTS, 1, -3, "does not divide"),
        (STARTS, 2, 2**62, "does not divide"),
        (STARTS, -1, 2**62, "does not divide"),
        (SIMILARITIES, 0, np.nan, "not between"),
        (SIMILARITIES, 0, np.inf, "not between"),
        (SIMILARITIES, 0, -1.0, "not between"),
        (URNS, 0, b"", "ascending|empty"),
        (URNS, 0, b"zzzz", "ascending"),
        (URNS, -1, b"\xff", "not UTF-8"),
    ],
)
def test_forged_values_are_refused(built: Path, name: str, row: int, value: float, message: str) -> None:
    values = np.load(built / name)
    values[row] = value
    np.save(built / name, values)
    forged = json.loads((built / MANIFEST).read_text())
    forged["files"][name] = file_entries(built, [name])[name].model_dump()
    (built / MANIFEST).write_text(json.dumps(forged))
    with pytest.raises(CorruptVersion, match=message):
        open_taste(built)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 9}', '{"format": 1}'])
def test_other_manifests_are_refused(text: str) -> None:
    with pytest.raises(InvalidManifest):
        TasteManifest.from_json(text)
