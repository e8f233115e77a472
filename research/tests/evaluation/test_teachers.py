from __future__ import annotations

import hashlib
import io
import pickle
import struct
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from soundalike.audio.excerpt_rule import ExcerptRule
from soundalike.research.evaluation import systems
from soundalike.research.evaluation.errors import InvalidModel
from soundalike.research.evaluation.state_dict import read_state_dict
from soundalike.research.evaluation.teacher_networks import FullyConvolutional, Musicnn
from soundalike.research.evaluation.teachers import TEACHERS, missing

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = 0x1950A86A20F9469CFC6C


class _TensorWriter(pickle._Pickler):  # type: ignore[name-defined]
    """Writes arrays as PyTorch's older form does, by the names of its functions."""

    def persistent_id(self, obj: Any) -> Any:
        return obj.identity if isinstance(obj, _Storage) else None

    def save_global(self, obj: Any, name: Any = None) -> None:
        if isinstance(obj, _Name):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        else:
            super().save_global(obj, name)

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _Name):
            self.save_global(obj)
        elif isinstance(obj, _Tensor):
            self.save_reduce(_rebuild, obj.parts, obj=obj)
        else:
            super().save(obj, save_persistent_id)

    def save_reduce(self, func: Any, args: Any, *rest: Any, **named: Any) -> None:
        if func is not _rebuild:
            super().save_reduce(func, args, *rest, **named)
            return
        self.save_global(_Name("torch._utils", "_rebuild_tensor_v2"))
        self.save(args)
        self.write(pickle.REDUCE)


class _Name:
    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Storage:
    def __init__(self, identity: tuple[Any, ...]) -> None:
        self.identity = identity


class _Tensor:
    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts


def _rebuild() -> None: ...


def state_file(arrays: dict[str, np.ndarray], function: _Name | None = None) -> bytes:
    """Write float32 arrays in PyTorch's older form."""
    file = io.BytesIO()
    for head in (_MAGIC, 1001, {"little_endian": True}):
        file.write(pickle.dumps(head, protocol=2))
    tensors: OrderedDict[str, Any] = OrderedDict()
    for key, (name, array) in enumerate(arrays.items()):
        strides = tuple(step // 4 for step in array.strides)
        storage = _Storage(("storage", function or _Name("torch", "FloatStorage"), str(key), "cpu", array.size, None))
        tensors[name] = _Tensor((storage, 0, array.shape, strides, False, OrderedDict()))
    _TensorWriter(file, protocol=2).dump(tensors)
    file.write(pickle.dumps([str(key) for key in range(len(arrays))], protocol=2))
    for array in arrays.values():
        content = np.ascontiguousarray(array) if array.flags.c_contiguous else np.ascontiguousarray(array.T)
        file.write(struct.pack("<q", array.size) + content.astype("<f4").tobytes())
    return file.getvalue()


def test_arrays_are_read_as_they_were_written() -> None:
    random = np.random.default_rng(0)
    arrays = {
        "matrix": random.standard_normal((3, 4)).astype(np.float32),
        "transposed": random.standard_normal((5, 2)).astype(np.float32).T,
        "one": np.array([7], dtype=np.float32),
    }
    content = state_file(arrays)
    read = read_state_dict(content)
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert np.array_equal(read[name], array)


def test_a_file_that_asks_for_anything_else_is_refused() -> None:
    content = state_file({"one": np.zeros(1, dtype=np.float32)}, _Name("os", "system"))
    with pytest.raises(InvalidModel, match=r"os\.system"):
        read_state_dict(content)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x03\x04" + 100 * b"0"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidModel):
        read_state_dict(content)


def test_a_file_that_ends_early_is_refused() -> None:
    content = state_file({"one": np.zeros(9, dtype=np.float32)})
    with pytest.raises(InvalidModel):
        read_state_dict(content[:-4])


def numbers(layers: dict[str, tuple[int, ...]]) -> bytes:
    """Write a network of random layers, each with its normalisation."""
    random = np.random.default_rng(0)
    arrays = {"spec.mel_scale.fb": random.uniform(0, 1, (257, 96)).astype(np.float32)}
    for name, shape in layers.items():
        if shape:
            arrays[f"{name}.conv.weight"] = random.standard_normal(shape).astype(np.float32) / np.sqrt(
                np.prod(shape[1:])
            )
            arrays[f"{name}.conv.bias"] = random.standard_normal(shape[0]).astype(np.float32)
        normalisation = f"{name}.bn" if shape else name
        for part in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{normalisation}.{part}"] = random.uniform(0.5, 1, shape[0] if shape else 1).astype(np.float32)
    return state_file({name: array.astype(np.float32) for name, array in arrays.items()})


def sound() -> np.ndarray:
    return 0.1 * np.random.default_rng(1).standard_normal(10 * 16_000).astype(np.float32)


def test_an_fcn_tells_means_and_deviations_of_five_blocks() -> None:
    widths = (1, 4, 5, 6, 7, 8)
    layers = {f"layer{n}": (widths[n], widths[n - 1], 3, 3) for n in range(1, 6)}
    vector = FullyConvolutional(numbers({"spec_bn": (), **layers}))(sound())
    assert vector.shape == (2 * sum(widths[1:]),)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0


def test_musicnn_tells_the_maxima_of_front_and_blocks() -> None:
    layers = {"layers.0": (4, 1, 67, 7), "layers.1": (4, 1, 38, 7)}
    layers |= {f"layers.{n}": (3, 1, 2 ** (9 - n) + 1) for n in (2, 3, 4)}
    layers |= {"layer1": (5, 17, 7), "layer2": (5, 5, 7), "layer3": (5, 5, 7)}
    vector = Musicnn(numbers({"spec_bn": (), **layers}))(sound())
    assert vector.shape == (4 + 4 + 3 * 3 + 3 * 5,)
    assert np.isfinite(vector).all()


def test_weights_are_taken_only_if_they_are_the_ones_that_were_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = replace(
        TEACHERS[0], name="sum", sha256=hashlib.sha256(b"right").hexdigest(), make=lambda _: lambda one: one[:2]
    )
    monkeypatch.setattr(systems, "TEACHERS", (teacher,))
    assert "sum" not in systems.Registry(teachers=tmp_path).names
    file = tmp_path / teacher.file
    file.write_bytes(b"wrong")
    with pytest.raises(InvalidModel, match="has the SHA-256"):
        systems.Registry(teachers=tmp_path).select(["sum"])
    file.write_bytes(b"right")
    registry = systems.Registry(teachers=tmp_path)
    assert "sum-projected" in registry.default_names
    (system,) = registry.select(["sum"])
    assert system.learnt_from == teacher.learnt_from
    single = system.extractor.by(ExcerptRule(tenths=(5,)))
    excerpts = [np.array([1, 2, 3, 4], np.float32), np.array([5, 6], np.float32)]
    assert single(excerpts) == pytest.approx([7 / 3, 10 / 3])
    assert single.id != system.extractor.id


def test_baselines_that_are_not_to_hand_are_named(tmp_path: Path) -> None:
    (tmp_path / "yamnet.tflite").touch()
    assert [text.split()[0] for text in missing(None)] == [one.name for one in TEACHERS]
    assert [text.split()[0] for text in missing(tmp_path)] == [
        "jamendo-fcn",
        "msd-fcn",
        "jamendo-musicnn",
        "msd-musicnn",
    ]
