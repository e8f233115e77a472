"""No text from outside keeps a regular expression of ours busy: see `pattern_probe.py` for how that is tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter
from pydantic_core import SchemaError

ROOT = Path(__file__).resolve().parents[1]
PROBE = Path(__file__).with_name("pattern_probe.py")

# The first is how M3U lines were once read.
SLOW = [
    r"#EXTINF:\s*(?P<seconds>-?[\d.]+)?(?P<attributes>(?:\s+[\w-]+=(?:\"[^\"]*\"|\S+))*)\s*,(?P<name>.*)",
    r"\s+(?:feat(?:uring)?\b\.?|ft\.)\s+",
    r"(?<=[^\d\s])\s+ft\.\s+(?P<names>[^()\[\]]+?)(?=\s*(?:[()\[\]]|\s-\s|$))",
    r"^(?P<outside>.+?)\s+[-/]\s+(?P<inside>.+)$",
    "(a+)+b",
    "(a|aa)+$",
    r"(\w+\d)+x",
    "([^()]+|\\w+)*;",
    "x*x*y",
    r"\s+$",
    r"\w+@",
]
LINEAR = [r"[a-z]+", r'"[^"]*"', r"(?<!\s)\s+$", r"(?<![ab])(?:a|b)*c", r"\d{1,3}-\d{1,3}"]


def probe(*expressions: str) -> dict[str, Any]:
    program = subprocess.run([sys.executable, PROBE, *expressions], check=True, capture_output=True, text=True)
    report: dict[str, Any] = json.loads(program.stdout)
    return report


def test_no_expression_of_ours_is_slow_for_any_text() -> None:
    report = probe()
    assert report["unresolved"] == []
    # Fewer would mean that the probe has gone blind.
    assert len(report["tried"]) >= 60
    assert report["slow"] == []


def test_the_probe_finds_expressions_that_are_slow() -> None:
    assert {one["expression"] for one in probe(*SLOW)["slow"]} == set(SLOW)


def test_the_probe_leaves_linear_expressions_alone() -> None:
    # `\d{1,3}` and the like are searched for everywhere, and read no more than a few characters each time.
    assert probe(*LINEAR)["slow"] == []


def test_the_expressions_of_models_are_run_by_an_engine_that_does_not_backtrack() -> None:
    # Which is why the probe need not try them. Only that engine refuses what cannot be done without going back.
    with pytest.raises(SchemaError):
        TypeAdapter(Annotated[str, Field(pattern=r"(a)\1")])
    sources = [*ROOT.glob("**/src/soundalike/**/*.py")]
    assert [str(file) for file in sources if "regex_engine" in file.read_text(encoding="utf-8")] == []
