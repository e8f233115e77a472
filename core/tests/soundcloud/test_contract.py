"""Every address and parameter that is used is one that SoundCloud documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soundalike.soundcloud.replies import Track, User
from soundalike.soundcloud.resources import MAX_ROWS

DOCUMENTED = json.loads((Path(__file__).parents[3] / "tests" / "replies" / "soundcloud-api.json").read_text("utf-8"))


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
def test_addresses_and_parameters(path: str, used: set[str]) -> None:
    operation = DOCUMENTED["get"][path]
    assert not operation["deprecated"]
    assert used <= set(operation["parameters"])


def test_the_largest_page() -> None:
    assert DOCUMENTED["largest_limit"] == MAX_ROWS


@pytest.mark.parametrize(("model", "name"), [(Track, "Track"), (User, "User")])
def test_every_field_that_is_read_is_documented(model: type[User | Track], name: str) -> None:
    assert set(model.model_fields) <= set(DOCUMENTED["fields"][name])
