"""No program prints past `soundalike.terminal`, which escapes what a terminal would obey."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The sandbox is the outside world and shares no code with us; benchmarks print numbers of their own; deprecation and
# the decoder's process stand below the terminal, and print constants and frames.
OWN_TEXT_ONLY = ("sandbox/", "research/src/soundalike/research/bench/", "core/src/soundalike/deprecation.py")
THE_PLACE = "core/src/soundalike/terminal.py"
FUNCTIONS = {"print", "typer.echo", "typer.secho", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"}
SOURCES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("core/src", "services", "local/src", "research/src")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.parts
)


def printing_calls(source: str) -> list[str]:
    """Return the calls that print a text; a table of rich, made of `Text` cells, is none."""
    calls = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            is_text = not (node.args and isinstance(node.args[0], ast.Call))
            if name in FUNCTIONS or (name.lower().endswith("console.print") and is_text):
                calls.append(f"line {node.lineno}: {name}")
    return calls


@pytest.mark.parametrize("source", [s for s in SOURCES if s != THE_PLACE and not s.startswith(OWN_TEXT_ONLY)])
def test_texts_are_printed_in_one_place(source: str) -> None:
    assert printing_calls((ROOT / source).read_text(encoding="utf-8")) == []


def test_the_check_sees_what_it_looks_for() -> None:
    assert printing_calls((ROOT / THE_PLACE).read_text(encoding="utf-8"))
    assert printing_calls(
        "typer.echo(title)\nself._console.print(f'{title}')\nConsole().print(table(x))\nprint(1)"
    ) == [
        "line 1: typer.echo",
        "line 2: self._console.print",
        "line 4: print",
    ]
