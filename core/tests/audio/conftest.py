from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .audio_forms import FORMS, chirp

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import numpy as np
    from numpy.typing import NDArray

    Encode = Callable[..., bytes]

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Encode a chirp of some seconds, or given stereo frames, in one of the forms; the same one only once."""
    cache: dict[tuple[str, float], bytes] = {}

    def encoded(form: str, seconds: float = 40.0, frames: NDArray[np.float32] | None = None) -> bytes:
        by, rate, options = FORMS[form]
        if frames is not None:
            return by(frames, rate, **options)
        if (form, seconds) not in cache:
            cache[form, seconds] = by(chirp(seconds, rate), rate, **options)
        return cache[form, seconds]

    return encoded


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def good(fuzz: ModuleType) -> dict[str, bytes]:
    files: dict[str, bytes] = fuzz.good_files()
    return files
