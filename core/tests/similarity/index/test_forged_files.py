"""Versions whose files were forged together with their manifest, so that every checksum is right, crash nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from soundalike.similarity.index.builder import BuildParameters, build_version
from soundalike.similarity.index.files import DATA_FILES, INDEX, PROJECTION, URNS, VECTORS
from soundalike.similarity.projection import Projection
from soundalike.storage.artifacts.manifest import MANIFEST, file_entries
from soundalike.testing.wait import scale

from .conftest import NAME, clustered, urns_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

COUNT, DIMENSIONS, TREES = 600, 24, 6
WIDTH = 3 + DIMENSIONS
ROOM = WIDTH - 1
MUTATIONS = 150


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A version of each engine."""
    folders = {}
    for engine in ("annoy", "usearch"):
        folders[engine] = tmp_path_factory.mktemp(engine) / "version"
        parameters = BuildParameters(engine=engine, trees=TREES, connectivity=8, expansion=32, effort=200)
        build_version(
            folders[engine], NAME, clustered(COUNT), urns_of(COUNT), Projection.identity(DIMENSIONS), parameters
        )
    return folders


@pytest.fixture
def forge(originals: dict[str, Path], tmp_path: Path) -> Callable[..., Path]:
    """Copy a version, change its files, and make its manifest agree with them."""

    def forge_one(name: str, change: Callable[[Path], object], *, of: str = "annoy", **fields: object) -> Path:
        folder = tmp_path / name
        shutil.copytree(originals[of], folder)
        change(folder)
        content = json.loads((folder / MANIFEST).read_text()) | fields
        content["files"] = {name: entry.model_dump() for name, entry in file_entries(folder, DATA_FILES).items()}
        (folder / MANIFEST).write_text(json.dumps(content))
        return folder

    return forge_one


def outcomes(*folders: Path) -> dict[str, str]:
    """Open and search versions in a process of their own, which has to end by itself."""
    script = Path(__file__).with_name("open_and_search.py")
    process = subprocess.run(
        [sys.executable, script, *folders],
        capture_output=True,
        text=True,
        check=False,
        timeout=scale(120),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    lines = process.stdout.splitlines()
    assert process.returncode == 0, f"ended with {process.returncode} at {lines[-1:]}: {process.stderr[-2000:]}"
    return dict(zip(lines[::2], lines[1::2], strict=True))


def assert_refused(*folders: Path) -> None:
    """Every one of them is refused, and said to be so."""
    assert folders
    accepted = {name: outcome for name, outcome in outcomes(*folders).items() if not outcome.startswith("refused: ")}
    assert accepted == {}


def edit_nodes(edit: Callable[[NDArray[np.int32]], object]) -> Callable[[Path], None]:
    """Change the nodes of an Annoy file: [n, 3 + s] numbers of 32 bits."""

    def change(folder: Path) -> None:
        nodes = np.fromfile(folder / INDEX, np.int32).reshape(-1, WIDTH)
        edited = edit(nodes)
        (nodes if edited is None else edited).tofile(folder / INDEX)

    return change


def leaves(nodes: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.flatnonzero((np.arange(len(nodes)) >= COUNT) & (nodes[:, 0] <= ROOM))


def splits(nodes: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.flatnonzero(nodes[:, 0] > ROOM)


def put(value: float, *, word: int, of: Callable[[NDArray[np.int32]], NDArray[np.int64]]) -> Callable[[Path], None]:
    """Put a value into one word of all leaves, splits or items."""

    def edit(nodes: NDArray[np.int32]) -> None:
        column = nodes[:, word].copy()
        (column.view(np.float32) if isinstance(value, float) else column)[of(nodes)] = value
        nodes[:, word] = column

    return edit_nodes(edit)


def items(_nodes: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.arange(COUNT)


def last(nodes: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.array([len(nodes) - 1])


def cycle_of_two(nodes: NDArray[np.int32]) -> None:
    first, second = splits(nodes)[:2]
    nodes[first, 1:3] = second
    nodes[second, 1:3] = first
    nodes[[first, second], 0] = COUNT


FORGED_NODES = {
    "leaf beyond the items": put(COUNT, word=1, of=leaves),
    "leaf beyond the file": put(2**31 - 1, word=1, of=leaves),
    "leaf before the file": put(-(2**31), word=1, of=leaves),
    "leaf of minus one": put(-1, word=1, of=leaves),
    "leaf of no items": put(0, word=0, of=leaves),
    "leaf of fewer than no items": put(-7, word=0, of=leaves),
    "leaf of too few items": put(1, word=0, of=leaves),
    "split beyond the file": put(2**31 - 1, word=1, of=splits),
    "split right beyond the file": edit_nodes(lambda nodes: put_child(nodes, len(nodes))),
    "split before the file": put(-1, word=2, of=splits),
    "split far before the file": put(-(2**31), word=2, of=splits),
    "split that leads to itself": edit_nodes(lambda nodes: nodes.__setitem__((splits(nodes), 1), splits(nodes))),
    "splits that lead to each other": edit_nodes(cycle_of_two),
    "split into the roots": edit_nodes(lambda nodes: put_child(nodes, len(nodes) - 1)),
    "split of others": edit_nodes(lambda nodes: put_child(nodes, 0)),
    "split with too many descendants": put(2**31 - 1, word=0, of=splits),
    "split with fewer than no descendants": put(-(2**31), word=0, of=splits),
    "splits that say they are leaves": put(ROOM, word=0, of=splits),
    "plane of NaN": put(float("nan"), word=5, of=splits),
    "plane of infinity": put(float("inf"), word=5, of=splits),
    "plane of huge numbers": put(1e38, word=5, of=splits),
    "item of NaN": put(float("nan"), word=5, of=items),
    "item of another vector": put(0.5, word=5, of=items),
    "item of no length": put(float("nan"), word=1, of=items),
    "item of a length below zero": put(-1.0, word=1, of=items),
    "item with descendants": put(2, word=0, of=items),
    "item of none": put(0, word=0, of=items),
    "more items than there are": put(2**31 - 1, word=0, of=last),
    "fewer items than there are": put(COUNT - 1, word=0, of=last),
    "fewer than no items": put(-1, word=0, of=last),
    "one root as all nodes": edit_nodes(lambda nodes: np.concatenate([nodes, np.repeat(nodes[-1:], 5_000, axis=0)])),
    "cut short by a node": edit_nodes(lambda nodes: nodes[:-TREES]),
    "cut short to the items": edit_nodes(lambda nodes: nodes[:COUNT]),
    "cut short to one": edit_nodes(lambda nodes: nodes[:1]),
    "all zero": edit_nodes(np.zeros_like),
    "random": edit_nodes(lambda nodes: np.random.default_rng(5).integers(-(2**31), 2**31, nodes.shape, np.int32)),
    "random after the items": edit_nodes(
        lambda nodes: np.concatenate(
            [nodes[:COUNT], np.random.default_rng(6).integers(0, COUNT, nodes[COUNT:].shape, np.int32)]
        )
    ),
    "half a node": lambda folder: os.truncate(folder / INDEX, (folder / INDEX).stat().st_size - WIDTH * 2),
    "one byte": lambda folder: (folder / INDEX).write_bytes(b"x"),
}


def put_child(nodes: NDArray[np.int32], child: int) -> None:
    nodes[splits(nodes)[-1], 1] = child


def test_the_original_is_searched(originals: dict[str, Path]) -> None:
    results = outcomes(*originals.values())
    assert len(results) == 1, "both are called alike"
    assert [outcome.partition(": ")[0] for outcome in results.values()] == ["searched"]


def test_forged_nodes_of_annoy_are_refused(forge: Callable[..., Path]) -> None:
    assert_refused(*(forge(name, change) for name, change in FORGED_NODES.items()))


def test_an_index_of_other_dimensions_is_refused(forge: Callable[..., Path], tmp_path: Path) -> None:
    narrow = tmp_path / "narrow"
    parameters = BuildParameters(trees=TREES, effort=200, search_dimensions=12)
    build_version(narrow, NAME, clustered(COUNT), urns_of(COUNT), Projection.identity(DIMENSIONS), parameters)
    assert_refused(
        forge("narrower index", lambda folder: shutil.copy(narrow / INDEX, folder / INDEX)),
        *(forge(f"said to be {output}", lambda _: None, search_dimensions=output) for output in (1, 12, 23)),
    )


def graph_of(content: NDArray[np.uint8]) -> tuple[int, NDArray[np.int16], NDArray[np.int64]]:
    """Where the graph of a USearch file begins, the levels of its nodes, and where each of these begins."""
    graph = 8 + COUNT * DIMENSIONS + 64
    levels = content[graph + 40 : graph + 40 + 2 * COUNT].copy().view(np.int16)
    sizes = 10 + 4 * (1 + 16) + 4 * (1 + 8) * levels.astype(np.int64)
    return graph, levels, graph + 40 + 2 * COUNT + np.cumsum(sizes) - sizes


def edit_graph(
    edit: Callable[[bytearray, int, NDArray[np.int16], NDArray[np.int64]], object],
) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = np.fromfile(folder / INDEX, np.uint8)
        graph, levels, nodes = graph_of(content)
        assert nodes[-1] + 10 + 4 * 17 + 4 * 9 * levels[-1] == len(content), "the file is laid out as is written there"
        changed = bytearray(content.tobytes())
        edit(changed, graph, levels, nodes)
        (folder / INDEX).write_bytes(changed)

    return change


def number(value: int, size: int, where: Callable[[int, NDArray[np.int16], NDArray[np.int64]], Any]) -> Any:
    """Put a number of `size` bytes at one place, or at each of several."""

    def edit(content: bytearray, graph: int, levels: NDArray[np.int16], nodes: NDArray[np.int64]) -> None:
        for place in np.atleast_1d(where(graph, levels, nodes)):
            content[place : place + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")

    return edit_graph(edit)


def put_lower_neighbour(content: bytearray, _graph: int, levels: NDArray[np.int16], nodes: NDArray[np.int64]) -> None:
    upper, lowest = np.flatnonzero(levels > 0), int(np.flatnonzero(levels == 0)[0])
    for node in nodes[upper]:
        place = node + 10 + 4 * 17
        content[place : place + 8] = (1).to_bytes(4, "little") + lowest.to_bytes(4, "little")


FORGED_GRAPHS = {
    "more rows": number(2**32 - 1, 4, lambda *_: 0),
    "more columns": number(2**32 - 1, 4, lambda *_: 4),
    "no rows": number(0, 4, lambda *_: 0),
    "another magic": number(0, 4, lambda graph, *_: graph - 64),
    "another version": number(1, 2, lambda graph, *_: graph - 57),
    "another metric": number(ord("e"), 1, lambda graph, *_: graph - 51),
    "other numbers": number(11, 1, lambda graph, *_: graph - 50),
    "other keys": number(15, 1, lambda graph, *_: graph - 49),
    "other slots": number(14, 1, lambda graph, *_: graph - 48),
    "more vectors": number(2**60, 8, lambda graph, *_: graph - 47),
    "more dimensions": number(2**40, 8, lambda graph, *_: graph - 31),
    "several vectors of a key": number(1, 1, lambda graph, *_: graph - 23),
    "more nodes": number(2**62, 8, lambda graph, *_: graph),
    "more neighbours": number(2**40, 8, lambda graph, *_: graph + 8),
    "more neighbours on the lowest level": number(2**40, 8, lambda graph, *_: graph + 16),
    "a higher level": number(2**40, 8, lambda graph, *_: graph + 24),
    "an entry beyond the nodes": number(2**40, 8, lambda graph, *_: graph + 32),
    "an entry on a lower level": number(0, 8, lambda graph, *_: graph + 32),
    "a level above all": number(32_767, 2, lambda graph, *_: graph + 40),
    "a level below all": number(-1, 2, lambda graph, *_: graph + 40),
    "a key beyond the vectors": number(COUNT, 8, lambda _, __, nodes: nodes[7]),
    "a key twice": number(0, 8, lambda _, __, nodes: nodes[7:9]),
    "a huge key": number(2**64 - 1, 8, lambda _, __, nodes: nodes[7]),
    "a node of another level": number(5, 2, lambda _, __, nodes: nodes + 8),
    "a node with more neighbours than room": number(17, 4, lambda _, __, nodes: nodes + 10),
    "a node with more neighbours than memory": number(2**32 - 1, 4, lambda _, __, nodes: nodes + 10),
    "a neighbour right beyond the nodes": number(COUNT, 4, lambda _, __, nodes: nodes + 14),
    "a neighbour far beyond the nodes": number(2**32 - 1, 4, lambda _, __, nodes: nodes + 14),
    "a neighbour that lacks the level": edit_graph(put_lower_neighbour),
    "cut short": lambda folder: os.truncate(folder / INDEX, (folder / INDEX).stat().st_size - 3),
    "cut short to the vectors": lambda folder: os.truncate(folder / INDEX, 8 + COUNT * DIMENSIONS),
    "longer": lambda folder: os.truncate(folder / INDEX, (folder / INDEX).stat().st_size + 3),
    "all zero": lambda folder: (folder / INDEX).write_bytes(bytes((folder / INDEX).stat().st_size)),
    "random": lambda folder: (folder / INDEX).write_bytes(
        np.random.default_rng(7).bytes((folder / INDEX).stat().st_size)
    ),
}


def test_forged_graphs_of_usearch_are_refused(forge: Callable[..., Path]) -> None:
    assert_refused(*(forge(name, change, of="usearch") for name, change in FORGED_GRAPHS.items()))


def npy(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + content


def header(shape: str, descr: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def array_of(name: str, edit: Callable[[NDArray[Any]], NDArray[Any] | None]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        values = np.load(folder / name)
        edited = edit(values)
        np.save(folder / name, values if edited is None else edited)

    return change


def content_of(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def put_value(row: int, value: float) -> Callable[[NDArray[Any]], None]:
    return lambda values: values.__setitem__((row, 3), value)


def put_name(row: int, name: bytes) -> Callable[[NDArray[Any]], None]:
    return lambda names: names.__setitem__(row, name)


VECTOR_BYTES = COUNT * DIMENSIONS * 4
FORGED_ARRAYS = {
    "not a number": array_of(VECTORS, put_value(-1, np.nan)),
    "infinite": array_of(VECTORS, put_value(7, np.inf)),
    "minus infinite": array_of(VECTORS, put_value(7, -np.inf)),
    "too long a vector": array_of(VECTORS, put_value(7, 2.0)),
    "another order": array_of(VECTORS, np.asfortranarray),
    "other bytes": array_of(VECTORS, lambda values: values.astype(">f4")),
    "wider numbers": array_of(VECTORS, lambda values: values.astype(np.float64)),
    "another shape": array_of(VECTORS, lambda values: values.reshape(-1)),
    "huge": content_of(VECTORS, npy(header("(10000000000000, 24)"), bytes(VECTOR_BYTES))),
    "more than there is": content_of(VECTORS, npy(header(f"({COUNT}, {DIMENSIONS})"), bytes(VECTOR_BYTES - 4))),
    "less than there is": content_of(VECTORS, npy(header(f"({COUNT}, {DIMENSIONS})"), bytes(VECTOR_BYTES + 4))),
    "fewer than none": content_of(VECTORS, npy(header("(-600, -24)"), bytes(VECTOR_BYTES))),
    "no shape": content_of(VECTORS, npy(header("None"), bytes(VECTOR_BYTES))),
    "objects": content_of(VECTORS, npy(header(f"({COUNT}, {DIMENSIONS})", "'|O'"), bytes(2 * VECTOR_BYTES))),
    "records": content_of(VECTORS, npy(header(f"({COUNT},)", "[('a', '<f4', (24,))]"), bytes(VECTOR_BYTES))),
    "nested brackets": content_of(VECTORS, npy("(" * 60_000)),
    "no end": content_of(VECTORS, npy("{'descr': '''")),
    "another format": content_of(VECTORS, npy(header("(1,)"), bytes(4), b"\x09\x00")),
    "an empty header": content_of(VECTORS, npy("")),
    "an empty file": lambda folder: os.truncate(folder / VECTORS, 1),
    "names out of order": array_of(URNS, lambda names: names[::-1]),
    "a name twice": array_of(URNS, put_name(1, urns_of(1)[0].encode())),
    "an empty name": array_of(URNS, put_name(0, b"")),
    "a name with a NUL": array_of(URNS, put_name(0, b"a\0b")),
    "a name that is no text": array_of(URNS, put_name(-1, b"\xff\xfe")),
    "names without length": content_of(URNS, npy(header(f"({COUNT},)", "'|S0'"))),
    "names of a megabyte": content_of(URNS, npy(header(f"({COUNT},)", "'|S1000000'"), bytes(100))),
}


def test_forged_arrays_are_refused(forge: Callable[..., Path]) -> None:
    assert_refused(*(forge(name, change) for name, change in FORGED_ARRAYS.items()))


def archive_of(compression: int = zipfile.ZIP_STORED, **changes: NDArray[Any] | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with np.load(folder / PROJECTION) as archive:
            arrays = {**archive, **changes}
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as written:
            for name, values in arrays.items():
                content = BytesIO()
                if isinstance(values, bytes):
                    content.write(values)
                else:
                    np.save(content, values)
                written.writestr(f"{name}.npy", content.getvalue())
        (folder / PROJECTION).write_bytes(buffer.getvalue())

    return change


FORGED_PROJECTIONS = {
    "a bomb": archive_of(zipfile.ZIP_DEFLATED, components=np.zeros((40_000, 1_000))),
    "a huge array": archive_of(mean=npy(header("(1000000000000,)", "'<f8'"), bytes(8))),
    "objects": archive_of(mean=np.array([{}] * DIMENSIONS)),
    "not a number": archive_of(mean=np.full(DIMENSIONS, np.nan)),
    "infinite": archive_of(components=np.full((DIMENSIONS, DIMENSIONS), np.inf)),
    "nearly infinite": archive_of(components=np.full((DIMENSIONS, DIMENSIONS), 1e300)),
    "nearly divided by zero": archive_of(scale=np.full(DIMENSIONS, 1e-300)),
    "no variance": archive_of(eigenvalues=np.full(DIMENSIONS, 5e-324)),
    "no array": archive_of(mean=b"nothing"),
    "no dimensions": archive_of(components=np.zeros((0, DIMENSIONS))),
    "another file": archive_of(other=np.zeros(3)),
    "an exponent of text": archive_of(exponent=np.array("x")),
}


def test_forged_projections_are_refused(forge: Callable[..., Path]) -> None:
    assert_refused(*(forge(name, change) for name, change in FORGED_PROJECTIONS.items()))


FORGED_MANIFESTS: dict[str, dict[str, object]] = {
    "more vectors than numbers": {"count": 2**31},
    "fewer than no vectors": {"count": -1},
    "many dimensions": {"dimensions": 10**9, "search_dimensions": 10**9},
    "an endless search": {"effort": 2**31},
    "no trees": {"parameters": {}},
    "parameters of another engine": {"parameters": {"connectivity": 8, "expansion": 8}},
    "fewer than no trees": {"parameters": {"trees": -1}},
    "another engine": {"engine": "usearch", "parameters": {"connectivity": 8, "expansion": 8}},
    "no engine": {"engine": "../annoy"},
    "a long version": {"engine_version": "1" * 50_000},
    "a number without end": {"up_to_seq": 10**30},
}


def test_forged_manifests_are_refused(forge: Callable[..., Path]) -> None:
    folders = [forge(name, lambda _: None, **fields) for name, fields in FORGED_MANIFESTS.items()]
    texts = {
        "nested lists": "[" * 90_000,
        "nested objects": '{"a":' * 15_000,
        "a long text": json.dumps({"format": "x" * 99_000}),
        "too long": "{}" + " " * 100_000,
        "another file": (folders[0] / MANIFEST).read_text().replace("index.bin", "../../index.bin"),
        "text that is none": '{"format": 2, "version": "\\ud800"}',
    }
    for name, text in texts.items():
        folders.append(forge(name, lambda _: None))
        (folders[-1] / MANIFEST).write_text(text)
    assert_refused(*folders)


def test_links_and_pipes_are_no_files(forge: Callable[..., Path], tmp_path: Path) -> None:
    def link(folder: Path) -> None:
        (folder / VECTORS).rename(tmp_path / "elsewhere.npy")
        (folder / VECTORS).symlink_to(tmp_path / "elsewhere.npy")

    piped = forge("pipe", lambda _: None)
    (piped / URNS).unlink()
    os.mkfifo(piped / URNS)
    assert_refused(forge("link", link), piped)


@pytest.mark.parametrize("engine", ["annoy", "usearch"])
@pytest.mark.parametrize("seed", range(2))
def test_random_changes_of_a_whole_index_crash_nothing(forge: Callable[..., Path], engine: str, seed: int) -> None:
    rng = np.random.default_rng(seed)

    def mutate(folder: Path) -> None:
        content = np.fromfile(folder / INDEX, np.uint8)
        # What follows the vectors is what a search follows.
        start = 0 if rng.random() < 0.3 else COUNT * (WIDTH * 4 if engine == "annoy" else DIMENSIONS)
        for _ in range(rng.integers(1, 9)):
            place = int(rng.integers(start, len(content) - 4))
            if rng.random() < 0.5:
                content[place] ^= 1 << int(rng.integers(8))
            else:
                word = np.int32(rng.choice([-1, 0, 1, COUNT, 2**31 - 1, -(2**31), int(rng.integers(2 * COUNT))]))
                content[place : place + 4] = np.frombuffer(word.tobytes(), np.uint8)
        content.tofile(folder / INDEX)

    folders = [forge(f"{seed} {turn}", mutate, of=engine) for turn in range(MUTATIONS)]
    results = outcomes(*folders)
    assert len(results) == MUTATIONS
    assert any(outcome.startswith("refused") for outcome in results.values())
