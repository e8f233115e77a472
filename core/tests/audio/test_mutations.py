from __future__ import annotations

import os
from typing import TYPE_CHECKING

from soundalike.audio.decode import decode
from soundalike.audio.isolate import IsolatedDecoder

if TYPE_CHECKING:
    from types import ModuleType

FILES = int(os.environ.get("MUTATED_FILES", "108"))


def test_the_files_are_good_before_they_are_damaged(good: dict[str, bytes]) -> None:
    assert {form: decode(data).seconds for form, data in good.items()} == dict.fromkeys(good, 29.0)


def test_damaged_files_are_decoded_or_refused_with_an_error_of_ours(fuzz: ModuleType, good: dict[str, bytes]) -> None:
    with IsolatedDecoder(timeout_s=fuzz.TIMEOUT_S) as decoder:
        outcomes = [fuzz.check_file(decoder, form, data) for form, data in fuzz.damage_files(good, FILES, seed=2)]
    assert [(number, outcome) for number, outcome in enumerate(outcomes) if outcome.is_bad] == []
    verdicts = {outcome.verdict for outcome in outcomes}
    assert {"decoded", "Undecodable", "Truncated", "NotAudio"} <= verdicts
