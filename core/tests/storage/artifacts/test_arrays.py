from pathlib import Path

import numpy as np
import pytest

from soundalike.storage.artifacts.arrays import map_array, rows_of, write_array, write_names
from soundalike.storage.artifacts.errors import CorruptVersion, InvalidNames
from soundalike.storage.atomic_files import prefetch


def mapped(path: Path, kind: type[np.generic], shape: tuple[int, ...]) -> np.ndarray:
    with path.open("rb") as file:
        return map_array(file, kind, shape)


def test_a_written_array_is_mapped(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_array(tmp_path / "values.npy", values)
    prefetch([tmp_path / "values.npy"])
    array = mapped(tmp_path / "values.npy", np.float32, (2, 3))
    np.testing.assert_array_equal(array, values)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1.0


@pytest.mark.parametrize(("kind", "shape"), [(np.float64, (2, 3)), (np.float32, (3, 2)), (np.float32, (6,))])
def test_an_array_of_another_kind_or_shape_is_refused(
    tmp_path: Path, kind: type[np.generic], shape: tuple[int, ...]
) -> None:
    write_array(tmp_path / "values.npy", np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(CorruptVersion, match=r"values\.npy contains float32 \[2, 3\] instead of"):
        mapped(tmp_path / "values.npy", kind, shape)


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "values.npy").write_bytes(b"no array")
    with pytest.raises(CorruptVersion, match=r"values\.npy is not an array"):
        mapped(tmp_path / "values.npy", np.float32, (1,))
    np.save(tmp_path / "values.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(CorruptVersion, match=r"values\.npy is not an array"):
        mapped(tmp_path / "values.npy", np.object_, (1,))


def test_names_are_sorted_and_found(tmp_path: Path) -> None:
    order = write_names(tmp_path / "urns.npy", ["pear", "äpfel", "fig"])
    assert order.tolist() == [2, 0, 1]
    names = mapped(tmp_path / "urns.npy", np.bytes_, (3,))
    assert [name.decode() for name in names.tolist()] == ["fig", "pear", "äpfel"]
    assert rows_of(names, ["äpfel", "plum", "fig", "pear", "", "z", "longer than all"]).tolist() == [
        2, -1, 0, 1, -1, -1, -1,
    ]  # fmt: skip
    assert rows_of(names, []).tolist() == []


@pytest.mark.parametrize("names", [["a", "b", "a"], ["a", ""], ["a", "b\0"]])
def test_refuses_names_that_are_odd_or_repeated(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(InvalidNames, match="URN"):
        write_names(tmp_path / "urns.npy", names)
    assert not list(tmp_path.iterdir())
