"""What is shipped for a model in one package has to fit what the other packages make of it."""

from __future__ import annotations

import json
from importlib import resources

from soundalike.similarity.builtin import builtin_projection

_DATA = resources.files("soundalike.similarity")


def test_the_golden_vectors_model_has_its_projection(pytestconfig) -> None:  # type: ignore[no-untyped-def]
    golden = pytestconfig.rootpath / "services/extractor/tests/golden/choi-2017-fixed.json"
    model = json.loads(golden.read_text(encoding="utf-8"))["model"]
    assert builtin_projection(model) is not None, f"fit one for {model}: see soundalike.similarity.builtin"


def test_nothing_shipped_is_large() -> None:
    sizes = [f.stat().st_size for f in _DATA.joinpath("projections").iterdir()]  # type: ignore[attr-defined]
    assert max(sizes) < 1_000_000
