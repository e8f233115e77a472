from __future__ import annotations

import pytest

from soundalike.api.explanation import LAYERS, explain


@pytest.mark.parametrize(
    ("alike", "tags", "said"),
    [
        ((0.91, 0.5, 0.99, 0.7, 0.8), ["house", "sad"], "Alike above all in rhythm and texture; both house, sad."),
        ((0.5, 0.5, 0.5, 0.5, 0.93), ["hip-hop"], "Alike above all in character; both hip hop."),
        ((0.96, 0.99, 0.97, 0.96, 0.98), [], "Alike in every way, above all in attack and character."),
        ((0.5, 0.7, 0.5, 0.5, 0.5), [], "Somewhat alike, most in attack."),
        ((0.1, 0.2, 0.3, 0.4, 0.5), [*"abcd"], "Among the nearest there are, but not much alike; both a, b, c."),
        ((), ["jazz"], "Alike as a whole; both jazz."),
    ],
)  # fmt: skip
def test_sentences(alike: tuple[float, ...], tags: list[str], said: str) -> None:
    assert explain(dict(zip(LAYERS, alike, strict=False)), tags) == said
