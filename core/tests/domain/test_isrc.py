from __future__ import annotations

import pytest

from soundalike.domain.isrc import normalised_isrc


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ushm80865849", "USHM80865849"),
        ("US-HM8-08-65849", "USHM80865849"),
        (" us hm8 08 65849 ", "USHM80865849"),
        ("GBAYE0601498", "GBAYE0601498"),
        ("GBAYE060149", None),
        ("GBAYE06014988", None),
        ("1BAYE0601498", None),
        ("GBAYE\uff10601498", None),
        ("", None),
        (None, None),
    ],
)
def test_codes_in_one_form_or_none(text: str | None, code: str | None) -> None:
    assert normalised_isrc(text) == code
