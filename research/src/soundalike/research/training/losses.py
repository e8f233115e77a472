"""The losses of the student: the teacher's neighbourhoods, and a contrastive one of tracks and albums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def neighbourhood_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the divergence of the student's neighbourhoods from the teacher's over a batch of unit vectors [n, …].

    For every row the other rows get probabilities, the softmax of cosine / temperature; near neighbours weigh most.
    """
    itself = torch.eye(len(student), dtype=torch.bool, device=student.device)
    mine = (
        (student @ student.T / temperature).masked_fill(itself, -torch.inf).log_softmax(dim=1).masked_fill(itself, 0.0)
    )
    theirs = (teacher @ teacher.T / temperature).masked_fill(itself, -torch.inf).log_softmax(dim=1)
    probabilities = theirs.exp()
    return (probabilities * (theirs.masked_fill(itself, 0.0) - mine)).sum(dim=1).mean()


def contrastive_loss(vectors: Tensor, groups: Tensor, temperature: float, apart: Tensor | None = None) -> Tensor:
    """Return the supervised contrastive loss (Khosla et al. 2020) of unit vectors [n, d] with group numbers [n].

    Pairs marked in `apart` bool [n, n] count neither as belonging together nor as being different.
    """
    ignored = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    if apart is not None:
        ignored = ignored | apart
    together = (groups[:, None] == groups[None, :]) & ~ignored
    logits = (vectors @ vectors.T / temperature).masked_fill(ignored, -torch.inf)
    log_shares = logits.log_softmax(dim=1).masked_fill(ignored, 0.0)
    counts = together.sum(dim=1)
    per_row = -(log_shares * together).sum(dim=1) / counts.clamp_min(1)
    return per_row[counts > 0].mean()


def unit_length(vectors: Tensor) -> Tensor:
    """Scale rows to unit length."""
    return functional.normalize(vectors, dim=1)
