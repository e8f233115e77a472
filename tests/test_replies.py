"""The written replies, in `tests/replies`, have the shapes that the services send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

REPLIES = Path(__file__).parent / "replies"
DATA = Path(__file__).parents[2] / "shared" / "data"
SPECIFICATION = DATA / "specs" / "soundcloud-openapi-2026-07-19.yaml"
SOUNDCLOUD_API = REPLIES / "soundcloud-api.json"
FILES = sorted(file for file in REPLIES.glob("*.json") if file != SOUNDCLOUD_API)


def differences(written: Any, recorded: Any, where: str = "$") -> list[str]:
    """Compare keys and types; every entry of a written list needs an entry of the recorded one that it is like."""
    if type(written) is not type(recorded):
        return [f"{where}: {type(written).__name__}, recorded: {type(recorded).__name__}"]
    if isinstance(written, dict):
        if written.keys() != recorded.keys():
            return [f"{where}: keys {sorted(written.keys() ^ recorded.keys())} are in one only"]
        return [line for key in written for line in differences(written[key], recorded[key], f"{where}.{key}")]
    if isinstance(written, list):
        return [
            f"{where}[{number}]: like no recorded entry"
            for number, entry in enumerate(written)
            if all(differences(entry, other) for other in recorded)
        ]
    return []


def test_written_replies_have_the_shapes_of_the_recorded_ones() -> None:
    if not (DATA / "replies").is_dir():
        pytest.skip("the recorded replies (../shared/data/replies) are not beside the checkout")
    unlike = []
    for file in FILES:
        (recorded_file,) = (DATA / "replies").glob(f"{file.stem}*.json")
        written, recorded = (json.loads(each.read_text(encoding="utf-8")) for each in (file, recorded_file))
        if file.stem in {"soundcloud-openapi-examples", "transcribed-from-threads"}:
            # Collections, of which some are written.
            recorded = {name: recorded[name] for name in written}
            for body in recorded.values():
                body.pop("source", None)
        unlike += [f"{file.name} {line}" for line in differences(written, recorded)]
    assert unlike == []


def test_what_soundcloud_documents_is_what_its_specification_says() -> None:
    if not SPECIFICATION.is_file():
        pytest.skip("the specification (../shared/data/specs) is not beside the checkout")
    assert json.loads(SOUNDCLOUD_API.read_text(encoding="utf-8")) == documented(
        yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8"))
    )


def documented(specification: Any) -> dict[str, Any]:
    """Reduce an OpenAPI document to what the tests ask it; `soundcloud-api.json` is this of SoundCloud's."""
    known = specification["components"]["parameters"]
    operations = {}
    for path, item in specification["paths"].items():
        if "get" not in item:
            continue
        parameters = [*item["get"].get("parameters", []), *item.get("parameters", [])]
        operations[path] = {
            "deprecated": item["get"].get("deprecated", False),
            "parameters": sorted(
                known[parameter["$ref"].rsplit("/", 1)[-1]]["name"] if "$ref" in parameter else parameter["name"]
                for parameter in parameters
            ),
        }
    schemas = specification["components"]["schemas"]
    return {
        "source": "https://github.com/soundcloud/api/blob/abf5d576d5ce/openapi/api.yaml, 2026-07-19: names only",
        "get": operations,
        "largest_limit": known["limit"]["schema"]["maximum"],
        "fields": {name: sorted(schemas[name]["properties"]) for name in ("Track", "User")},
    }
