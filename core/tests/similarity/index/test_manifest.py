import json
from datetime import UTC, datetime

import pytest

from soundalike.similarity.index.files import DATA_FILES
from soundalike.similarity.index.manifest import Manifest
from soundalike.storage.artifacts.errors import InvalidManifest
from soundalike.storage.artifacts.manifest import FileEntry


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        version="20261121T120000Z-7",
        model="m1-fixed",
        dimensions=128,
        search_dimensions=64,
        count=9,
        engine="annoy",
        engine_version="1.17.3",
        parameters={"trees": 10},
        effort=500,
        seed=1,
        up_to_seq=12,
        recall_at_10=1.0,
        built_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        files={name: FileEntry(bytes=3, sha256="0" * 64) for name in DATA_FILES},
    )


def test_survives_a_round_trip(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 0),
        ("count", "9"),
        ("dimensions", -1),
        ("search_dimensions", 129),
        ("engine", "faith"),
        ("effort", 0),
        ("metric", "euclidean"),
        ("recall_at_10", 1.2),
        ("built_at", "2026-11-21T12:00:00"),
        ("version", "../elsewhere"),
        ("model", ""),
        ("files", {}),
        ("extra", 1),
    ],
)
def test_names_the_field_that_is_wrong(manifest: Manifest, field: str, value: object) -> None:
    content = json.loads(manifest.to_json()) | {field: value}
    with pytest.raises(InvalidManifest, match=field):
        Manifest.from_json(json.dumps(content))


def test_refuses_files_it_does_not_know(manifest: Manifest) -> None:
    content = json.loads(manifest.to_json())
    content["files"]["../../etc/passwd"] = content["files"].pop("urns.npy")
    with pytest.raises(InvalidManifest, match="files must be"):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize("change", [{"bytes": 0}, {"sha256": "ff"}])
def test_refuses_a_file_entry_that_vouches_for_nothing(manifest: Manifest, change: dict[str, object]) -> None:
    content = json.loads(manifest.to_json())
    content["files"]["index.bin"] |= change
    with pytest.raises(InvalidManifest, match=r"files\.index\.bin"):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize("missing", ["seed", "up_to_seq", "files"])
def test_refuses_a_missing_field(manifest: Manifest, missing: str) -> None:
    content = json.loads(manifest.to_json())
    del content[missing]
    with pytest.raises(InvalidManifest, match=missing):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff\xfe"])
def test_refuses_what_is_no_manifest(text: str | bytes) -> None:
    with pytest.raises(InvalidManifest, match="JSON"):
        Manifest.from_json(text)


def test_says_what_to_do_about_another_format(manifest: Manifest) -> None:
    content = json.loads(manifest.to_json()) | {"format": 1}
    with pytest.raises(InvalidManifest, match="format 1, this program reads format 2; update"):
        Manifest.from_json(json.dumps(content))
