import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")

from soundalike.research.training.losses import contrastive_loss, neighbourhood_loss, unit_length  # noqa: E402


def test_the_same_neighbourhoods_cost_nothing_and_others_do() -> None:
    vectors = unit_length(torch.randn(12, 5, generator=torch.Generator().manual_seed(0)))
    turned = vectors @ torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))[0]
    assert float(neighbourhood_loss(turned, vectors, 0.1)) == pytest.approx(0.0, abs=1e-5)
    assert float(neighbourhood_loss(vectors.roll(1, dims=0), vectors, 0.1)) > 0.1


def test_divergence_by_hand() -> None:
    teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    student = unit_length(torch.ones(3, 2))
    near, far = np.exp(1.0) / (np.exp(1.0) + 1.0), 1.0 / (np.exp(1.0) + 1.0)
    row = near * np.log(2 * near) + far * np.log(2 * far)
    assert float(neighbourhood_loss(student, teacher, 1.0)) == pytest.approx(2 * row / 3, abs=1e-6)


def test_togetherness_by_hand() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    groups = torch.tensor([0, 0, 1])
    expected = -np.log(np.exp(1.0) / (np.exp(1.0) + 1.0))
    assert float(contrastive_loss(vectors, groups, 1.0)) == pytest.approx(expected, abs=1e-6)


def test_losses_can_be_learnt_from() -> None:
    vectors = torch.randn(6, 4, requires_grad=True)
    (
        neighbourhood_loss(unit_length(vectors), unit_length(torch.randn(6, 3)), 0.1)
        + contrastive_loss(unit_length(vectors), torch.arange(6) // 2, 0.1)
    ).backward()
    assert vectors.grad is not None
    assert torch.isfinite(vectors.grad).all()
