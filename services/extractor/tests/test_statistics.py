from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from soundalike.extractor.errors import StatisticsUnusable
from soundalike.extractor.models import choi_2017
from soundalike.extractor.statistics import Statistics, load_builtin, parse

from .signals import random_network

RNG = np.random.default_rng(1)


def random_statistics() -> Statistics:
    mean = RNG.standard_normal((5, 32)).astype(np.float32)
    return Statistics(mean, np.exp(mean), "ab" * 32, clips=3, corpus="a “corpus”", command="a command")


def test_the_file_restores_every_bit() -> None:
    statistics = random_statistics()
    again = parse(statistics.to_json())
    np.testing.assert_array_equal(again.mean, statistics.mean)
    np.testing.assert_array_equal(again.variance, statistics.variance)
    assert again.sha256 == statistics.sha256
    assert (again.clips, again.corpus, again.command) == (3, "a “corpus”", "a command")


def test_the_builtin_statistics_say_where_they_come_from() -> None:
    statistics = load_builtin(replace(random_network()[0], sha256=choi_2017.SHA256))
    assert statistics.mean.shape == statistics.variance.shape == (5, 32)
    assert statistics.clips == 414
    assert "measure-statistics" in statistics.command


def test_other_weights_have_no_builtin_statistics() -> None:
    with pytest.raises(StatisticsUnusable, match="measure them again"):
        load_builtin(random_network()[0])


def test_the_fingerprint_is_of_the_numbers_only() -> None:
    statistics = random_statistics()
    assert replace(statistics, corpus="another", command="", clips=1).sha256 == statistics.sha256
    assert replace(statistics, mean=statistics.variance, variance=statistics.mean).sha256 != statistics.sha256


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("mean", [[0.0] * 32] * 4, "5 rows of 32"),
        ("mean", [[float("nan")] * 32] * 5, "finite"),
        ("mean", "much", "invalid"),
        ("variance", [[0.0] * 32] * 5, "not positive"),
        ("clips", None, "invalid"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(key: str, value: object, message: str) -> None:
    content = json.loads(random_statistics().to_json()) | {key: value}
    with pytest.raises(StatisticsUnusable, match=message):
        parse(json.dumps(content))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null"])
def test_a_file_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(StatisticsUnusable, match="invalid"):
        parse(text)
