from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.tags import (
    TAG_NAMES,
    TAG_SLUGS,
    distinctive,
    has_all,
    has_any,
    most_distinctive,
    parse_tag,
    slug,
)
from soundalike.errors import UnknownTag

USUAL = tuple(0.1 if name == "rock" else 0.02 for name in TAG_NAMES)


def probabilities_of(**probabilities: float) -> list[float]:
    """What a model says of a track: the usual, apart from the tags that are named (`_` for `-`)."""
    values = {name.replace("_", "-"): value for name, value in probabilities.items()}
    assert values.keys() <= set(TAG_SLUGS)
    return [values.get(name, usual) for name, usual in zip(TAG_SLUGS, USUAL, strict=True)]


def test_fifty_names_in_the_order_of_the_taggers_and_no_slug_twice() -> None:
    assert len(TAG_NAMES) == len(set(TAG_SLUGS)) == 50
    assert (TAG_NAMES[0], TAG_NAMES[9], TAG_NAMES[17], TAG_NAMES[33], TAG_NAMES[49]) == (
        "rock",
        "jazz",
        "Mellow",
        "Hip-Hop",
        "happy",
    )
    assert "female-vocalists" in TAG_SLUGS
    assert "hip-hop" in TAG_SLUGS


@pytest.mark.parametrize("name", TAG_NAMES)
def test_a_name_and_its_slug_are_understood(name: str) -> None:
    assert parse_tag(name) == parse_tag(slug(name)) == parse_tag(f" {name.upper()} ") == slug(name)


@pytest.mark.parametrize("text", ["", "-", "jaz", "rock pop", "ジャズ"])
def test_an_unknown_tag_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UnknownTag, match=r"the tags are rock, pop, .*, happy$"):
        parse_tag(text)


def test_a_tag_is_distinctive_that_is_likely_and_unusual() -> None:
    assert distinctive(probabilities_of(jazz=0.5, rock=0.19, happy=0.049, blues=0.3), USUAL) == ("jazz", "blues")
    assert distinctive(probabilities_of(rock=0.21, jazz=0.05), USUAL) == ("rock", "jazz")
    assert distinctive(probabilities_of(), USUAL) == ()


def test_the_most_distinctive_comes_first() -> None:
    # 0.6 ln 6 = 1.08 and 0.4 ln 20 = 1.20: rock is likelier, jazz says more.
    assert distinctive(probabilities_of(rock=0.6, jazz=0.4), USUAL) == ("jazz", "rock")
    assert most_distinctive(probabilities_of(rock=0.6, jazz=0.4, soul=0.3, funk=0.2, blues=0.1, folk=0.09), USUAL) == (
        "jazz",
        "rock",
        "soul",
        "funk",
        "blues",
    )


def test_where_nothing_is_known_no_tag_is_distinctive() -> None:
    assert distinctive(None, USUAL) == distinctive(probabilities_of(jazz=0.9), None) == ()
    assert not has_any(TAG_SLUGS, None, USUAL)
    assert not has_all(["jazz"], probabilities_of(jazz=0.9), None)
    assert has_all([], None, None)


def test_a_tag_of_mean_zero_can_be_distinctive() -> None:
    assert distinctive([0.5] * 50, [0.0] * 50) == tuple(sorted(TAG_SLUGS))


@given(st.lists(st.floats(0, 1), min_size=50, max_size=50), st.sampled_from(TAG_SLUGS), st.sampled_from(TAG_SLUGS))
def test_asking_and_listing_agree(probabilities: list[float], one: str, other: str) -> None:
    listed = distinctive(probabilities, USUAL)
    assert has_all([one, other], probabilities, USUAL) == (one in listed and other in listed)
    assert has_any([one, other], probabilities, USUAL) == (one in listed or other in listed)
