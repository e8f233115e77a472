"""What the documents promise: they exist, their links lead somewhere, and the commands that they name are there."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from soundalike.db.tracks import State
from soundalike.local.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
LONGEST_README_WORDS = 700
REQUIRED = (
    "README.md",
    "LICENSE",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(f"docs/{name}.md" for name in ("sources-and-terms", "answers", "operations", "aws", "quality", "development")),
    "docs/third-party.md",
    *(f"services/{name}/README.md" for name in ("crawler", "extractor", "indexer", "api")),
    *(f"{name}/README.md" for name in ("core", "local", "sandbox", "research")),
)
OTHERS = frozenset({"XDG_CACHE_HOME", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "MALLOC_MMAP_THRESHOLD_", "OTHER_HALF"})
"""Variables of other programs, and what stands for a folder."""

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md", "services/*/README.md", "research/*/*.md", "tests/*/*.md")
    for path in ROOT.glob(pattern)
)
in_every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def prose(document: Path) -> str:
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def code(document: Path) -> str:
    """Return the fenced blocks and the spans between backticks, a line each."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```[a-z]*\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(document)))])


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def variables() -> set[str]:
    """Return what could be a variable: settings are fields of a class, in lower case."""
    files = [*ROOT.glob("config/*.example"), ROOT / "Makefile", ROOT / "docker-compose.yml"]
    files += [*ROOT.glob("*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]
    return {word.upper() for file in files for word in re.findall(r"\w+_\w+", file.read_text(encoding="utf-8"))}


def test_the_documents_are_there() -> None:
    assert [name for name in REQUIRED if not (ROOT / name).is_file()] == []
    assert {ROOT / name for name in REQUIRED if name.endswith(".md")} <= set(DOCUMENTS)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= LONGEST_README_WORDS


def test_the_readme_has_two_commands_for_setting_up() -> None:
    section = README.read_text(encoding="utf-8").split("## Two commands")[1].split("```console")[1].split("```")[0]
    assert re.findall(r"^\$ (\S+ \S+)", section, flags=re.MULTILINE) == ["make demo", "make test"]


@in_every_document
def test_links_lead_to_files_and_headings(document: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)) if "://" not in link]
    broken = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.is_relative_to(ROOT) or not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@in_every_document
def test_every_make_target_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    mentions = re.findall(r"(?<![\w.-])make((?: [a-z][a-z-]*(?![\w=.]))+)", code(document))
    named = {target for mention in mentions for target in mention.split()}
    assert named - targets == set()


@in_every_document
def test_every_command_exists(document: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    unknown = []
    for first, rest in re.findall(r"(?<![\w./-])soundalike ([a-z][a-z-]*)(?: ([a-z|]+))?", code(document)):
        group = commands.get(first)
        seconds = rest.split("|") if rest and hasattr(group, "commands") else []
        unknown += [] if group else [first]
        unknown += [f"{first} {second}" for second in seconds if second not in group.commands]
    assert unknown == []


@in_every_document
def test_every_module_exists(document: Path) -> None:
    modules = set(re.findall(r"(?:^|python -m )(soundalike(?:\.[a-z_0-9]+)+)", code(document), flags=re.MULTILINE))
    assert {module for module in modules if find_spec(module) is None} == set()


@in_every_document
def test_every_path_of_the_checkout_exists(document: Path) -> None:
    folders = "core|services|local|sandbox|research|config|deploy|docs|requirements|tests"
    paths = re.findall(rf"(?<![\w./-])((?:{folders})/[\w./-]*\w)(?=$|[\s`,;:)])", code(document), flags=re.MULTILINE)
    # `make config` writes config/*.env from the templates.
    assert {path for path in paths if not (ROOT / path).exists() and not (ROOT / f"{path}.example").exists()} == set()


@in_every_document
def test_every_variable_exists(document: Path) -> None:
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", code(document)))
    assert named - OTHERS - variables() == set()


def test_the_answers_name_every_route_and_parameter() -> None:
    contract = json.loads((ROOT / "services/api/openapi.json").read_text(encoding="utf-8"))
    named = code(ROOT / "docs/answers.md")
    health = {"/healthz", "/readyz"}
    routes = {
        f"{method.upper()} {re.sub('{[a-z_]+}', '<id>', path)}"
        for path, methods in contract["paths"].items()
        for method in methods
        if path not in health
    }
    assert {route for route in routes if not re.search(rf"^{re.escape(route)}(?![\w/])", named, re.MULTILINE)} == set()
    parameters = {each["name"] for each in contract["paths"]["/recommend"]["get"]["parameters"]}
    assert {name for name in parameters if not re.search(rf"\b{name}\b", named)} == set()


def test_the_operations_name_every_state() -> None:
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8").split("## States of a track")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE) == [state.value for state in State]
