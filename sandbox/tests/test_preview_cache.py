import ast
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from soundalike.sandbox import cli, composer
from soundalike.sandbox.catalogue import Piece, pieces
from soundalike.sandbox.composer import Previews
from soundalike.sandbox.preview_cache import PreviewCache, composer_version, source_files
from soundalike.sandbox.server import BackgroundComposer
from soundalike.sandbox.state import Sandbox

PACKAGE = Path(composer.__file__).parent


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[Piece]:
    """The pieces that were composed, in their order; composing and encoding cost nothing."""
    composed: list[Piece] = []
    monkeypatch.setattr(composer, "compose", lambda piece: composed.append(piece) or piece)
    monkeypatch.setattr(composer, "encode_mp3", lambda piece: f"sound of {piece.title}".encode())
    return composed


def test_a_second_run_composes_nothing(tmp_path: Path, composed: list[Piece]) -> None:
    first = [Previews(PreviewCache(tmp_path / "music")).mp3(piece) for piece in pieces()[:3]]
    second = [Previews(PreviewCache(tmp_path / "music")).mp3(piece) for piece in pieces()[:3]]
    assert first == second == [f"sound of {piece.title}".encode() for piece in pieces()[:3]]
    assert composed == list(pieces()[:3])


def _cut(file: Path, _: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _flip(file: Path, _: Path) -> None:
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)


def _empty(file: Path, _: Path) -> None:
    file.write_bytes(b"")


def _swap(file: Path, other: Path) -> None:
    shutil.copy(other, file)


def _replace_by_folder(file: Path, _: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [_cut, _flip, _empty, _swap, _replace_by_folder])
def test_a_damaged_or_foreign_file_is_composed_again(
    tmp_path: Path, composed: list[Piece], spoil: Callable[[Path, Path], None]
) -> None:
    piece, other = pieces()[:2]
    previews = Previews(PreviewCache(tmp_path))
    preview, _ = previews.mp3(piece), previews.mp3(other)
    spoil(tmp_path / f"{piece.spotify_id}.preview", tmp_path / f"{other.spotify_id}.preview")
    assert Previews(PreviewCache(tmp_path)).mp3(piece) == preview
    assert composed == [piece, other, piece]


def test_a_repaired_file_serves_the_next_run(tmp_path: Path, composed: list[Piece]) -> None:
    piece = pieces()[0]
    (tmp_path / f"{piece.spotify_id}.preview").write_bytes(b"not ours")
    for _ in range(2):
        Previews(PreviewCache(tmp_path)).mp3(piece)
    assert composed == [piece]
    assert [path.name for path in tmp_path.iterdir()] == [f"{piece.spotify_id}.preview"]


def test_another_composer_gets_nothing_of_the_one_before(tmp_path: Path) -> None:
    PreviewCache(tmp_path, "one").put("piece", b"old")
    newer = PreviewCache(tmp_path, "two")
    assert newer.get("piece") is None
    newer.put("piece", b"new")
    assert newer.get("piece") == b"new"
    assert PreviewCache(tmp_path, "one").get("piece") is None
    assert len(list(tmp_path.iterdir())) == 1


def test_any_change_of_what_makes_the_sound_makes_another_version(tmp_path: Path) -> None:
    package = tmp_path / "sandbox"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    versions = {composer_version(), composer_version(package)}
    assert len(versions) == 1
    for file in source_files(package):
        file.write_bytes(file.read_bytes() + b"\n")
        versions.add(composer_version(package))
    assert len(versions) == 1 + len(source_files(package))


def test_the_version_covers_every_module_that_the_composer_imports() -> None:
    files, waiting = set[Path](), [PACKAGE / "composer.py"]
    # They name pieces, keep them and raise; none of them makes a sound.
    silent = {PACKAGE / name for name in ("catalogue.py", "errors.py", "preview_cache.py")}
    while waiting:
        file = waiting.pop()
        if file in files | silent:
            continue
        files.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("soundalike.sandbox."):
                path = PACKAGE.joinpath(*str(node.module).split(".")[2:])
                inner = [path / f"{alias.name}.py" for alias in node.names if (path / f"{alias.name}.py").exists()]
                waiting += [*inner, path / "__init__.py" if path.is_dir() else path.with_suffix(".py")]
    assert files == set(source_files())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path, composed: list[Piece]) -> None:
    tmp_path.chmod(0o500)
    _check_without_cache(tmp_path, composed)


def test_a_file_in_place_of_the_folder_is_done_without(tmp_path: Path, composed: list[Piece]) -> None:
    (tmp_path / "music").write_text("a note", encoding="utf-8")
    _check_without_cache(tmp_path / "music", composed)


def _check_without_cache(folder: Path, composed: list[Piece]) -> None:
    previews = Previews(PreviewCache(folder))
    assert previews.mp3(pieces()[0]) == previews.mp3(pieces()[0])
    assert composed == [pieces()[0]]


def test_the_music_that_is_composed_ahead_is_kept(tmp_path: Path, composed: list[Piece]) -> None:
    for _ in range(2):
        ahead = BackgroundComposer(Sandbox(previews=Previews(PreviewCache(tmp_path))))
        ahead.start()
        ahead.join()
    assert len(composed) == len(list(tmp_path.iterdir())) == len(pieces())


def test_the_command_names_the_folder() -> None:
    assert "--music-cache" in CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "200"}).stdout
