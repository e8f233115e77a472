from __future__ import annotations

import threading

import pytest

from soundalike.api.offload import IN_THREADS, LONG_S, Workshop


class Stopwatch:
    """Stands still but where work says that it takes time."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def workshop(stopwatch: Stopwatch) -> Workshop:
    """A workshop that has seen that nothing takes long."""
    workshop = Workshop(stopwatch)
    for _ in range(IN_THREADS):
        assert await workshop.do(threading.get_ident, short=True) != threading.get_ident()
    return workshop


async def test_what_is_short_is_done_on_the_spot_and_what_is_not_in_a_thread(workshop: Workshop) -> None:
    assert await workshop.do(threading.get_ident, short=True) == threading.get_ident()
    assert await workshop.do(threading.get_ident, short=False) != threading.get_ident()


@pytest.mark.parametrize("fails", [False, True])
async def test_after_something_took_long_others_are_done_in_threads_for_a_while(
    workshop: Workshop, stopwatch: Stopwatch, fails: bool
) -> None:
    def takes_long() -> None:
        stopwatch.now += 1.1 * LONG_S
        if fails:
            raise KeyError("no such page")

    try:
        await workshop.do(takes_long, short=True)
    except KeyError:
        assert fails
    done = [await workshop.do(threading.get_ident, short=True) for _ in range(IN_THREADS + 1)]
    assert threading.get_ident() not in done[:-1]
    assert done[-1] == threading.get_ident()


async def test_what_takes_long_in_a_thread_says_nothing_of_what_is_short(
    workshop: Workshop, stopwatch: Stopwatch
) -> None:
    def takes_long() -> None:
        stopwatch.now += 10 * LONG_S

    await workshop.do(takes_long, short=False)
    assert await workshop.do(threading.get_ident, short=True) == threading.get_ident()
