import json
from hashlib import sha256
from pathlib import Path

import pytest

from soundalike.storage.artifacts.errors import CorruptVersion, InvalidManifest
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.artifacts.verification import read_manifest

from .conftest import Notes

Written = tuple[Path, Notes]


def test_what_was_written_is_read(written: Written) -> None:
    directory, manifest = written
    assert Notes.from_json((directory / MANIFEST).read_bytes()) == manifest


def test_says_size_and_checksum_of_every_file_at_the_end(written: Written) -> None:
    directory, _ = written
    output = json.loads((directory / MANIFEST).read_text())
    assert list(output) == ["format", "version", "author", "files"]
    for name in Notes.FILES:
        content = (directory / name).read_bytes()
        assert output["files"][name] == {"bytes": len(content), "sha256": sha256(content).hexdigest()}


def test_a_folder_without_one_is_no_version(tmp_path: Path) -> None:
    with pytest.raises(CorruptVersion, match=r"is not a whole version: manifest\.json: No such file or directory"):
        read_manifest(tmp_path, "0" * 64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "../elsewhere"}, "version: "),
        ({"version": "v" * 201}, "version: "),
        ({"version": ".hidden"}, "version: "),
        ({"author": 1}, "author: "),
        ({"extra": 1}, "extra: "),
        ({"files": {}}, r"files must be \['first.txt', 'second.txt'\], not \[\]"),
        ({"files": {"first.txt": {"bytes": 0, "sha256": "0" * 64}}}, r"files\.first\.txt\.bytes: "),
        ({"files": {"first.txt": {"bytes": 1, "sha256": "0" * 63}}}, r"files\.first\.txt\.sha256: "),
        ({"format": 2}, "format 2, this program reads format 3; update"),
        ({"format": "3"}, "format '3', this program reads format 3; update"),
    ],
)
def test_names_what_is_wrong(written: Written, change: dict[str, object], message: str) -> None:
    content = json.loads(written[1].to_json()) | change
    with pytest.raises(InvalidManifest, match=message):
        Notes.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 90_000, "not JSON"),
        ("[]", "not a JSON object"),
        (" " * 100_001, "longer than 100000 bytes"),
    ],
)
def test_says_what_is_no_manifest_at_all(text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidManifest, match=message):
        Notes.from_json(text)


def test_every_field_is_needed(written: Written) -> None:
    content = json.loads(written[1].to_json())
    for name in content:
        with pytest.raises(InvalidManifest, match=name):
            Notes.from_json(json.dumps({key: value for key, value in content.items() if key != name}))
