"""The network that is trained: Choi's architecture in PyTorch, normalisation folded into kernels and shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from soundalike.extractor.architecture import BN_EPSILON, LAYERS, POOLS

if TYPE_CHECKING:
    from torch import Tensor

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import Weights


class Student(nn.Module):  # type: ignore[misc] # PyTorch may be absent where types are checked
    """Five blocks of convolution, shift, ELU, pooling; pooling comes first, which gives the same (see the extractor).

    Choi's network with fixed statistics can be written as such kernels and shifts, and vice versa.
    """

    def __init__(self, kernels: list[Tensor], shifts: list[Tensor]) -> None:
        super().__init__()
        self.kernels = nn.ParameterList([nn.Parameter(kernel.clone()) for kernel in kernels])
        self.shifts = nn.ParameterList([nn.Parameter(shift.clone()) for shift in shifts])

    @classmethod
    def of_choi(cls, weights: Weights, statistics: Statistics) -> Student:
        """Return the network that computes what Choi's does with `statistics`."""
        kernels, shifts = [], []
        for number, layer in enumerate(weights.layers):
            scale = layer.gamma / np.sqrt(statistics.variance[number].astype(np.float64) + BN_EPSILON)
            shift = scale * (layer.bias.astype(np.float64) - statistics.mean[number]) + layer.beta
            kernels.append(torch.from_numpy((layer.kernel * scale).transpose(3, 2, 0, 1).astype(np.float32)))
            shifts.append(torch.from_numpy(shift.astype(np.float32)))
        # Channels last halves the time on a CPU.
        student: Student = cls(kernels, shifts).to(memory_format=torch.channels_last)
        return student

    def interpolate(self, other: Student, way: float) -> Student:
        """Return the network at `way` (0 to 1) on the straight line from this one to `other`."""
        between = Student(list(self.kernels), list(self.shifts))
        with torch.no_grad():
            for mine, theirs in zip(between.parameters(), other.parameters(), strict=True):
                mine.lerp_(theirs, way)
        return between

    def block(self, number: int, values: Tensor) -> Tensor:
        """Apply one block to [n, channels, bands, frames]."""
        convolved = functional.conv2d(values, self.kernels[number], padding=1)
        return functional.elu(functional.max_pool2d(convolved, POOLS[number]) + self.shifts[number][:, None, None])

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Return vectors [n, 160] of spectrograms [n, 96, 1360]."""
        return self.from_block(0, spectrograms[:, None], [])

    def from_block(self, first: int, values: Tensor, means: list[Tensor]) -> Tensor:
        """Return vectors [n, 160] for the input of block `first`, and the means of the blocks before it."""
        collected = list(means)
        for number in range(first, LAYERS):
            values = self.block(number, values)
            collected.append(values.mean(dim=(2, 3)))
        return torch.cat(collected, dim=1)
