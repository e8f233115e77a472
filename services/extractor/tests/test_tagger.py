from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from soundalike.domain.tags import TAG_NAMES
from soundalike.extractor import statistics
from soundalike.extractor.errors import StatisticsUnusable
from soundalike.extractor.models import choi_2017
from soundalike.extractor.tagger import MeanTagProbabilities, load_builtin, parse, tag_probabilities
from soundalike.extractor.weights import TagHead

from .signals import random_network

RNG = np.random.default_rng(4)


def random_means() -> MeanTagProbabilities:
    return MeanTagProbabilities(
        RNG.uniform(size=50).astype(np.float32), "ab" * 32, "cd" * 32, 3, "a “corpus”", "a command"
    )


def test_the_tagger_reads_the_last_block_only() -> None:
    head = TagHead(RNG.standard_normal((32, 50)).astype(np.float32), RNG.standard_normal(50).astype(np.float32))
    vectors = RNG.standard_normal((3, 160)).astype(np.float32)
    logits = vectors[:, 128:].astype(np.float64) @ head.kernel.astype(np.float64) + head.bias
    probabilities = tag_probabilities(vectors, head)
    assert (probabilities.shape, probabilities.dtype) == ((3, 50), np.float32)
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), atol=1e-6)
    vectors[:, :128] += 1
    np.testing.assert_array_equal(tag_probabilities(vectors, head), probabilities)


def test_extreme_logits_stay_probabilities() -> None:
    head = TagHead(np.full((32, 50), 1e4, np.float32), np.zeros(50, np.float32))
    probabilities = tag_probabilities(np.stack([np.ones(160, np.float32), -np.ones(160, np.float32)]), head)
    assert (probabilities[0] == 1).all()
    assert (probabilities[1] == 0).all()


def test_the_file_names_each_tag_and_restores_the_numbers() -> None:
    means = random_means()
    assert list(json.loads(means.to_json())["usual"]) == list(TAG_NAMES)
    again = parse(means.to_json())
    np.testing.assert_allclose(again.probabilities, means.probabilities, atol=1e-6)
    assert (again.weights_sha256, again.statistics_sha256) == (means.weights_sha256, means.statistics_sha256)
    assert (again.clips, again.corpus, again.command) == (3, "a “corpus”", "a command")


@pytest.mark.parametrize("change", [{"usual": {}}, {"usual": dict.fromkeys(TAG_NAMES, 1.5)}, {"clips": None}])
def test_a_file_that_cannot_be_right_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(StatisticsUnusable):
        parse(json.dumps(json.loads(random_means().to_json()) | change))


def test_the_builtin_means_belong_to_the_published_network() -> None:
    weights = replace(random_network()[0], sha256=choi_2017.SHA256)
    fixed = statistics.load_builtin(weights)
    means = load_builtin(weights, fixed)
    assert means.clips == fixed.clips
    assert "measure-tags" in means.command
    # Game music: much of it electronic, little of it sad.
    means_by_name = dict(zip(TAG_NAMES, means.probabilities.tolist(), strict=True))
    assert means_by_name["electronic"] > 10 * means_by_name["sad"]


def test_another_network_gets_none_of_these() -> None:
    with pytest.raises(StatisticsUnusable, match="measure-tags"):
        load_builtin(*random_network())
