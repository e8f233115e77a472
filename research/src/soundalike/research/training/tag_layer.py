"""The tagger's last layer for the new network: it learns to say what Choi's said of the same music."""

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
class TaggedLayer:
    """`kernel` float32 [32, 50], `bias` float32 [50], and the mean probability of each tag `usual` float32 [50]."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    usual: NDArray[np.float32]


def fit_tags(
    vectors: NDArray[np.float32], choi_vectors: NDArray[np.float32], head: TagHead, clips: NDArray[np.float32]
) -> TaggedLayer:
    """Fit a logistic regression from the last block of `vectors` [n, 160] to what `head` says of `choi_vectors`.

    `clips` [m, 160] are vectors of the new network over which the usual probability of each tag is taken.
    """
    given, wanted = torch.from_numpy(vectors[:, -CHANNELS:]), torch.from_numpy(tag_probabilities(choi_vectors, head))
    mean, scale = given.mean(dim=0), given.std(dim=0) + 1e-6
    standardised = (given - mean) / scale
    kernel = nn.Parameter(torch.from_numpy(head.kernel).clone() * scale[:, None])
    bias = nn.Parameter(torch.from_numpy(head.bias).clone() + mean @ torch.from_numpy(head.kernel))
    # The problem is convex, so where it starts decides only how soon it ends.
    optimiser = torch.optim.LBFGS([kernel, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        logits = standardised @ kernel + bias
        penalty = _WEIGHT_DECAY * kernel.square().sum()
        total = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / len(given) + penalty
        total.backward()
        return total

    optimiser.step(loss)
    unscaled = (kernel / scale[:, None]).detach()
    fitted = unscaled.numpy().astype(np.float32), (bias.detach() - mean @ unscaled).numpy().astype(np.float32)
    said = 1.0 / (1.0 + np.exp(-(clips[:, -CHANNELS:].astype(np.float64) @ fitted[0] + fitted[1])))
    return TaggedLayer(*fitted, usual=said.mean(axis=0).astype(np.float32))
