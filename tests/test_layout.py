"""How the packages lie: one implicit namespace, each named once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MEMBERS = PROJECT["tool"]["uv"]["workspace"]["members"]


def test_every_package_is_a_part_of_the_namespace() -> None:
    for member in MEMBERS:
        sources = ROOT / member / "src"
        assert [path.name for path in sources.iterdir() if path.name != "__pycache__"] == ["soundalike"], member


def test_the_namespace_is_implicit() -> None:
    assert list(ROOT.glob("**/src/soundalike/__init__.py")) == []


def test_every_package_of_the_checkout_is_a_member() -> None:
    members = {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("*/pyproject.toml")}
    members |= {str(file.parent.relative_to(ROOT)) for file in ROOT.glob("services/*/pyproject.toml")}
    assert members == set(MEMBERS)


def test_the_lock_resolves_every_member_from_the_checkout() -> None:
    assert set(PROJECT["tool"]["uv"]["sources"]) == {f"soundalike-{Path(member).name}" for member in MEMBERS}


def test_every_import_of_ours_begins_with_the_namespace() -> None:
    old = "artifacts|catalog|audio|features|space|taste|sc|crawler|extractor|indexer|api|sandbox|standalone"
    forbidden = re.compile(rf"^\s*(?:from|import) (?:{old}|evaluation|training|bench)\b", re.MULTILINE)
    folders = [*(ROOT / member for member in MEMBERS), ROOT / "tests"]
    # That one runs in a checkout from before the namespace.
    files = [file for folder in folders for file in folder.glob("**/*.py") if file.name != "make_archive.py"]
    assert len(files) > 400
    assert [str(file) for file in files if forbidden.search(file.read_text(encoding="utf-8"))] == []
