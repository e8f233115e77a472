from __future__ import annotations

import pytest

from soundalike.soundcloud.errors import InvalidAddress
from soundalike.soundcloud.urns import number_of, urn_of


@pytest.mark.parametrize(
    "text",
    [
        13158665,
        "13158665",
        " soundcloud:tracks:13158665 ",
        "/tracks/13158665",
        "https://api.soundcloud.com/tracks/13158665",
        "https://api.soundcloud.com/tracks/13158665?client_id=REDACTED",
        "https://api.soundcloud.com/tracks/soundcloud:tracks:13158665",
    ],
)
def test_every_form_of_a_name_becomes_one(text: str | int) -> None:
    assert urn_of("tracks", text) == "soundcloud:tracks:13158665"


@pytest.mark.parametrize(
    "text", ["", "soundcloud:users:1", "https://api.soundcloud.com/users/1", "-1", "1.5", "soundcloud:tracks:", "x/1"]
)
def test_what_names_no_track_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress, match="use a number"):
        urn_of("tracks", text)


def test_the_number_is_larger_than_32_bits() -> None:
    assert number_of("soundcloud:users:3000000000") == 3_000_000_000
    with pytest.raises(InvalidAddress):
        number_of("3000000000")
