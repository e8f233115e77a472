from __future__ import annotations

import io

import numpy as np
import pytest

from soundalike.extractor.architecture import SAMPLES, kernel_shape
from soundalike.extractor.errors import StatisticsUnusable, WeightsDamaged, WeightsUnavailable
from soundalike.extractor.model import Model
from soundalike.extractor.models import registry, soundalike_1
from soundalike.extractor.models.registry import ModelChoice, ModelName, load_model
from soundalike.extractor.models.soundalike_1 import parse

RNG = np.random.default_rng(11)


def arrays() -> dict[str, np.ndarray]:
    """A network in the format that `research.training` writes."""

    def normal(*shape: int) -> np.ndarray:
        return (RNG.standard_normal(shape) / 10).astype(np.float32)

    contents = {f"kernel{number}": normal(*kernel_shape(number)) for number in range(5)}
    contents |= {name: normal(5, 32) for name in ("bias", "gamma", "beta", "mean")}
    contents |= {"variance": np.full((5, 32), 2.0, np.float32), "tag_kernel": normal(32, 50), "tag_bias": normal(50)}
    return contents | {"usual_tags": np.full(50, 0.25, np.float32), "format": np.int64(1), "clips": np.int64(7)}


def npz(**replaced: np.ndarray | None) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in (arrays() | replaced).items() if value is not None})
    return buffer.getvalue()


def test_one_file_is_a_whole_model() -> None:
    parts = parse(npz())
    assert [layer.kernel.shape for layer in parts.weights.layers] == [kernel_shape(number) for number in range(5)]
    assert parts.weights.name == "soundalike-1"
    assert parts.statistics.clips == parts.mean_tag_probabilities.clips == 7
    model = Model(parts.weights, parts.statistics, parts.mean_tag_probabilities)
    assert model.id == f"soundalike-1-fixed-{parts.weights.sha256[:8]}-{parts.statistics.sha256[:8]}-p2"
    batch = model.embed([RNG.standard_normal(SAMPLES).astype(np.float32)])
    assert batch.vectors.shape == (1, 160)
    assert batch.tags is not None
    assert batch.tags.shape == (1, 50)


def test_another_file_is_another_model() -> None:
    one, other = parse(npz()), parse(npz(tag_bias=np.zeros(50, np.float32)))
    assert Model(one.weights, one.statistics).id != Model(other.weights, other.statistics).id


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a file of arrays"),
        (b"PK\x03\x04 cut off", "not a file of arrays"),
        (npz()[:-100], "not a file of arrays"),
        (npz(kernel3=None), "lacks kernel3"),
        (npz(tag_kernel=None), "lacks tag_kernel"),
        (npz(gamma=np.ones((32, 5), np.float32)), r"gamma .* has shape \(32, 5\) instead of \(5, 32\)"),
        (npz(beta=np.full((5, 32), np.nan, np.float32)), "not finite"),
        (npz(variance=np.zeros((5, 32), np.float32)), "not positive"),
        (npz(usual_tags=np.full(50, 2.0, np.float32)), "outside 0 to 1"),
        (npz(kernel0=np.array([object()], dtype=object)), "not a file of arrays"),
    ],
)
def test_another_content_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(WeightsDamaged, match=message):
        parse(content)


def test_a_package_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundalike_1, "FILE", "soundalike-0.npz")
    with pytest.raises(WeightsUnavailable, match=r"soundalike-0\.npz.*MODEL=choi-2017"):
        load_model(ModelChoice(name=ModelName.SOUNDALIKE_1))


def test_it_has_no_statistics_but_its_own() -> None:
    with pytest.raises(StatisticsUnusable, match=r"STATISTICS=clip needs MODEL=choi-2017"):
        load_model(ModelChoice(name=ModelName.SOUNDALIKE_1, mode="clip"))


def test_the_registry_loads_it_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    content = npz()
    monkeypatch.setattr(registry.soundalike_1, "load_builtin", lambda: parse(content))
    model = load_model(ModelChoice(name=ModelName.SOUNDALIKE_1))
    assert model.id.startswith("soundalike-1-fixed-")
    assert model.mean_tag_probabilities is not None
