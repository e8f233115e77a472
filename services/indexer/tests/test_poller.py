from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.errors import StoreUnavailable
from soundalike.indexer.errors import RecallTooLow
from soundalike.indexer.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("failure", "pauses"),
    [
        (StoreUnavailable("away"), (4, 8, 16, 30, 30)),
        (ConnectionRefusedError(), (4, 8, 16, 30, 30)),
        (RecallTooLow("0.5"), (4, 8, 16, 32, 64)),
        (RuntimeError("a bug"), (4, 8, 16, 32, 64)),
    ],
)
async def test_pauses_grow_with_every_failure_but_little_while_something_is_away(
    failure: Exception, pauses: Sequence[float]
) -> None:
    outcomes: list[Exception | None] = [*(failure for _ in pauses), None]

    async def act() -> None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    poller = Poller(act, poll_s=2.0, what="version")
    for pause in pauses:
        await poller.poll_once()
        assert poller.pause_s() == pause
    await poller.poll_once()
    assert poller.pause_s() == 2.0
