from __future__ import annotations

import threading

import pytest

from soundalike.api.offload import SLOW_S, THREADED_AFTER_SLOW, Offloader


class Stopwatch:
    """Stands still but where work says that it takes time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def offloader(stopwatch: Stopwatch) -> Offloader:
    """An offloader that has seen that nothing takes long."""
    pool = Offloader(stopwatch)
    for _ in range(THREADED_AFTER_SLOW):
        assert await pool.run(threading.get_ident, short=True) != threading.get_ident()
    return pool


async def test_what_is_short_is_done_on_the_spot_and_what_is_not_in_a_thread(offloader: Offloader) -> None:
    assert await offloader.run(threading.get_ident, short=True) == threading.get_ident()
    assert await offloader.run(threading.get_ident, short=False) != threading.get_ident()


@pytest.mark.parametrize("fails", [False, True])
async def test_after_something_took_long_others_are_done_in_threads_for_a_while(
    offloader: Offloader, stopwatch: Stopwatch, fails: bool
) -> None:
    def takes_long() -> None:
        stopwatch.now += 1.1 * SLOW_S
        if fails:
            raise KeyError("no such page")

    try:
        await offloader.run(takes_long, short=True)
    except KeyError:
        assert fails
    done = [await offloader.run(threading.get_ident, short=True) for _ in range(THREADED_AFTER_SLOW + 1)]
    assert threading.get_ident() not in done[:-1]
    assert done[-1] == threading.get_ident()


async def test_what_takes_long_in_a_thread_says_nothing_of_what_is_short(
    offloader: Offloader, stopwatch: Stopwatch
) -> None:
    def takes_long() -> None:
        stopwatch.now += 10 * SLOW_S

    await offloader.run(takes_long, short=False)
    assert await offloader.run(threading.get_ident, short=True) == threading.get_ident()
