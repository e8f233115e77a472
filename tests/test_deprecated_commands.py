"""Commands under their names before the namespace: they still work, and say what replaces them."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]
MEMBERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]["workspace"]["members"]

_CONTAINER = ", or where that is not installed (in a container) "


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m command` in an empty folder, without any setting."""
    arguments = [sys.executable, "-m", *command.split()]
    return subprocess.run(
        arguments, cwd=folder, env={"COLUMNS": "100"}, capture_output=True, text=True, check=False, timeout=200
    )


@pytest.mark.parametrize(
    ("old", "new", "use"),
    [
        ("api openapi", "soundalike.api openapi", "`python -m soundalike.api`"),
        (
            "crawler --help",
            "soundalike.crawler --help",
            f"`soundalike crawl`{_CONTAINER}`python -m soundalike.crawler`",
        ),
        (
            "extractor redrive",
            "soundalike.extractor redrive",
            f"`soundalike redrive`{_CONTAINER}`python -m soundalike.extractor redrive`",
        ),
        (
            "indexer list",
            "soundalike.indexer list",
            f"`soundalike index list`{_CONTAINER}`python -m soundalike.indexer list`",
        ),
        ("catalog provision", "soundalike.provisioning", "`python -m soundalike.provisioning`"),
        ("standalone status", "soundalike.local status", f"`soundalike`{_CONTAINER}`python -m soundalike.local`"),
        ("sandbox --help", "soundalike.sandbox --help", "`python -m soundalike.sandbox`"),
        (
            "evaluation --corpus nowhere --out results",
            "soundalike.research.evaluation --corpus nowhere --out results",
            f"`soundalike evaluate`{_CONTAINER}`python -m soundalike.research.evaluation`",
        ),
        ("training --help", "soundalike.research.training --help", "`python -m soundalike.research.training`"),
        ("bench.index --help", "soundalike.research.bench.index --help", "`python -m soundalike.research.bench.index`"),
    ],
)
def test_an_old_command_does_what_the_new_one_does(old: str, new: str, use: str, tmp_path: Path) -> None:
    ended, expected = _run(old, tmp_path), _run(new, tmp_path)
    notice, _, rest = ended.stderr.partition("\n")
    assert notice.startswith("`python -m " + old.partition(" ")[0])
    assert notice.endswith(f"` is deprecated and stops working with the next release. Use {use}.")
    assert (ended.returncode, ended.stdout, rest) == (expected.returncode, expected.stdout, expected.stderr)
    assert ended.stdout or rest


@pytest.mark.parametrize(
    ("member", "arguments", "module", "use"),
    [
        ("services/api", [], "soundalike.api", ""),
        ("services/api", ["keys", "list"], "soundalike.api", "soundalike keys"),
        ("services/crawler", ["--playlist", "x"], "soundalike.crawler", "soundalike crawl"),
        ("services/crawler", ["forget", "x"], "soundalike.crawler", "soundalike forget"),
        ("services/extractor", ["run"], "soundalike.extractor", ""),
        ("services/extractor", ["extract", "x"], "soundalike.extractor", "soundalike extract"),
        ("services/indexer", ["fit-projection"], "soundalike.indexer", ""),
        ("services/indexer", ["build"], "soundalike.indexer", "soundalike index build"),
    ],
)
def test_a_subcommand_is_named_where_soundalike_has_it(
    member: str,
    arguments: list[str],
    module: str,
    use: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started: list[str] = []
    run_path = runpy.run_path
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: started.append(name))
    monkeypatch.setattr(sys, "argv", ["-m", *arguments])
    (script,) = (ROOT / member / "compat").glob("*.py")
    run_path(str(script), run_name="__main__")
    notice = capsys.readouterr().err
    assert started == [module]
    assert sys.argv == ["-m", *arguments]
    if use:
        assert f"Use `{use}`{_CONTAINER}`python -m {module}" in notice
    else:
        assert f"Use `python -m {module}`.\n" in notice


def test_provisioning_asks_for_its_subcommand_as_before(tmp_path: Path) -> None:
    ended = _run("catalog", tmp_path)
    assert ended.returncode != 0
    assert "python -m soundalike.provisioning" in ended.stderr


@pytest.mark.parametrize("member", MEMBERS)
def test_a_wheel_holds_the_namespace_and_the_old_commands(member: str) -> None:
    files = {file.distribution_path for file in WheelBuilder(str(ROOT / member)).recurse_included_files()}
    old = {path.name for path in (ROOT / member / "compat").glob("*.py")}
    assert old
    assert {name for name in files if not name.startswith("soundalike/")} == old


def test_importing_an_old_command_runs_nothing(tmp_path: Path) -> None:
    names = "api, crawler, extractor, indexer, catalog, standalone, sandbox, evaluation, training, bench"
    ended = subprocess.run(
        [sys.executable, "-c", f"import {names}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
