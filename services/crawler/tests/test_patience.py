from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from soundalike.crawler.retry import Patience


@dataclass
class Moody:
    """Fails as often as it is told, then answers."""

    failures: list[Exception] = field(default_factory=list)
    asked: int = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


async def test_the_pauses_grow(naps: Any) -> None:
    moody = Moody([OSError(), OSError(), OSError()])
    assert await Patience(sleep=naps.sleep).through(moody, (OSError,)) == "answer"
    assert moody.asked == 4
    assert [
        low <= nap <= high for nap, (low, high) in zip(naps.taken, [(0.3, 0.7), (0.7, 1.3), (1.5, 2.5)], strict=True)
    ]


async def test_the_last_failure_is_told(naps: Any) -> None:
    moody = Moody([OSError("first"), OSError("second"), OSError("third")])
    with pytest.raises(OSError, match="second"):
        await Patience(attempts=2, sleep=naps.sleep).through(moody, (OSError,))
    assert len(naps.taken) == 1


async def test_other_failures_are_not_tried_again(naps: Any) -> None:
    moody = Moody([KeyError("x"), OSError()])
    with pytest.raises(KeyError):
        await Patience(sleep=naps.sleep).through(moody, (OSError,))
    assert moody.asked == 1
