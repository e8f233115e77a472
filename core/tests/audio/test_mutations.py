from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.decode import decode
from soundalike.audio.isolate import IsolatedDecoder

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
FILES = int(os.environ.get("MUTATED_FILES", "108"))


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    """The program that does the same with a thousand files (`python -m soundalike.research.bench.fuzz_audio`)."""
    spec = importlib.util.spec_from_file_location(
        "fuzz_audio", ROOT / "research/src/soundalike/research/bench/fuzz_audio.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def good(fuzz: ModuleType) -> dict[str, bytes]:
    files: dict[str, bytes] = fuzz.good_files()
    return files


def test_the_files_are_good_before_they_are_damaged(good: dict[str, bytes]) -> None:
    assert {form: decode(data).seconds for form, data in good.items()} == dict.fromkeys(good, 29.0)


def test_damaged_files_are_decoded_or_refused_with_an_error_of_ours(fuzz: ModuleType, good: dict[str, bytes]) -> None:
    with IsolatedDecoder(timeout_s=fuzz.TIMEOUT_S) as decoder:
        outcomes = [fuzz.check_file(decoder, form, data) for form, data in fuzz.damage_files(good, FILES, seed=2)]
    assert [(number, outcome) for number, outcome in enumerate(outcomes) if outcome.is_bad] == []
    verdicts = {outcome.verdict for outcome in outcomes}
    assert {"decoded", "Undecodable", "Truncated", "NotAudio"} <= verdicts
