"""Every address and parameter that is used is one that SoundCloud documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from soundalike.soundcloud.replies import Track, User
from soundalike.soundcloud.resources import MOST_AT_ONCE

SPECIFICATION = Path(__file__).parents[4] / "shared" / "data" / "specs" / "soundcloud-openapi-2026-07-19.yaml"


@pytest.fixture(scope="module")
def specification() -> Any:
    if not SPECIFICATION.is_file():
        pytest.skip("the specification is not here")
    return yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "used"),
    [
        ("/resolve", {"url"}),
        ("/users/{user_urn}", {"user_urn"}),
        ("/users", {"urns", "limit"}),
        ("/users/{user_urn}/likes/tracks", {"user_urn", "access", "limit", "linked_partitioning"}),
        ("/tracks/{track_urn}", {"track_urn"}),
        ("/tracks", {"urns", "access", "limit"}),
        ("/tracks/{track_urn}/favoriters", {"track_urn", "limit", "linked_partitioning"}),
        ("/tracks/{track_urn}/streams", {"track_urn"}),
    ],
)
def test_addresses_and_parameters(specification: Any, path: str, used: set[str]) -> None:
    known = specification["components"]["parameters"]
    asked = specification["paths"][path]["get"]
    assert not asked.get("deprecated", False)
    documented = {
        known[one["$ref"].rsplit("/", 1)[-1]]["name"] if "$ref" in one else one["name"]
        for one in [*asked.get("parameters", []), *specification["paths"][path].get("parameters", [])]
    }
    assert used <= documented


def test_the_largest_page(specification: Any) -> None:
    assert specification["components"]["parameters"]["limit"]["schema"]["maximum"] == MOST_AT_ONCE


@pytest.mark.parametrize(("model", "name"), [(Track, "Track"), (User, "User")])
def test_every_field_that_is_read_is_documented(specification: Any, model: type[User | Track], name: str) -> None:
    assert set(model.model_fields) <= set(specification["components"]["schemas"][name]["properties"])
