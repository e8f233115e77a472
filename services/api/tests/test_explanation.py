from __future__ import annotations

import pytest

from soundalike.api.explanation import LAYERS, explain


@pytest.mark.parametrize(
    ("similarity", "tags", "text"),
    [
        ((0.91, 0.5, 0.99, 0.7, 0.8), ["house", "sad"], "Similar in rhythm and texture; both house, sad."),
        ((0.5, 0.5, 0.5, 0.5, 0.93), ["hip-hop"], "Similar in character; both hip hop."),
        ((0.96, 0.99, 0.97, 0.96, 0.98), [], "Very similar, above all in attack and character."),
        ((0.5, 0.7, 0.5, 0.5, 0.5), [], "Most similar in attack."),
        ((0.1, 0.2, 0.3, 0.4, 0.5), [*"abcd"], "Similarity is low; both a, b, c."),
        ((), ["jazz"], "Similar overall; both jazz."),
    ],
)  # fmt: skip
def test_sentences(similarity: tuple[float, ...], tags: list[str], text: str) -> None:
    assert explain(dict(zip(LAYERS, similarity, strict=False)), tags) == text
