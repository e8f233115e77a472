from __future__ import annotations

import pytest

from soundalike.soundcloud.tag_list import split


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (None, ()),
        ("", ()),
        ("techno house", ("techno", "house")),
        ('techno "deep house" ambient', ("techno", "deep house", "ambient")),
        ('"drum   and bass"', ("drum and bass",)),
        ('jazz "never closed', ("jazz", "never closed")),
        ('"" jazz', ("jazz",)),
        ("soundcloud:source=iphone-record ", ()),
        ("geo:lat=52.5 geo:lon=13.4 berlin", ("berlin",)),
        ("house house", ("house",)),
        ("re:mix 12:30", ("re:mix", "12:30")),
        ('"テクノ 夜" ジャズ', ("テクノ 夜", "ジャズ")),
    ],
)
def test_tags_of_several_words_stay_together(text: str | None, tags: tuple[str, ...]) -> None:
    assert split(text) == tags
