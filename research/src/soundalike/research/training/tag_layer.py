"""The tag layer of the new network, fitted to the tags of Choi's network for the same music."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from soundalike.extractor.architecture import CHANNELS
from soundalike.extractor.tagger import tag_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from soundalike.extractor.weights import TagHead

_STEPS: Final = 500
_WEIGHT_DECAY: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class TagLayer:
    """`kernel` float32 [32, 50], `bias` float32 [50], and `mean_probabilities` float32 [50], one of each tag."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    mean_probabilities: NDArray[np.float32]


def fit_tags(
    vectors: NDArray[np.float32], choi_vectors: NDArray[np.float32], head: TagHead, clips: NDArray[np.float32]
) -> TagLayer:
    """Fit a logistic regression from the last block of `vectors` [n, 160] to the tags that `head` gives `choi_vectors`.

    `clips` [m, 160] are vectors of the new network over which the mean probability of each tag is computed.
    """
    inputs, targets = torch.from_numpy(vectors[:, -CHANNELS:]), torch.from_numpy(tag_probabilities(choi_vectors, head))
    mean, scale = inputs.mean(dim=0), inputs.std(dim=0) + 1e-6
    standardised = (inputs - mean) / scale
    kernel = nn.Parameter(torch.from_numpy(head.kernel).clone() * scale[:, None])
    bias = nn.Parameter(torch.from_numpy(head.bias).clone() + mean @ torch.from_numpy(head.kernel))
    # The problem is convex, so the start only affects the number of steps.
    optimiser = torch.optim.LBFGS([kernel, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        logits = standardised @ kernel + bias
        penalty = _WEIGHT_DECAY * kernel.square().sum()
        total = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / len(inputs) + penalty
        total.backward()
        return total

    optimiser.step(loss)
    unscaled = (kernel / scale[:, None]).detach()
    fitted = unscaled.numpy().astype(np.float32), (bias.detach() - mean @ unscaled).numpy().astype(np.float32)
    probabilities = 1.0 / (1.0 + np.exp(-(clips[:, -CHANNELS:].astype(np.float64) @ fitted[0] + fitted[1])))
    return TagLayer(*fitted, mean_probabilities=probabilities.mean(axis=0).astype(np.float32))
