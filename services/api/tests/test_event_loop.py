"""One thread answers everybody: nothing that takes its time may happen on it."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.api import recommender
from soundalike.api.problems import REQUEST_ID
from soundalike.logs import current_fields
from soundalike.testing.wait import eventually, scale

from .conftest import Platform, recommend, urn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

# What Python reports (PEP 578) before it waits for a disk, a name, a connection, a program or a clock.
WAITING = ("open", "os.listdir", "os.scandir", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "time.sleep")


class Watch:
    """Notes what a thread does inside of requests while it is `on`; an audit hook cannot be taken out again."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        self._thread = threading.get_ident()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in WAITING and threading.get_ident() == self._thread and REQUEST_ID in current_fields():
            self.seen.append(f"{event} {arguments}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.on = False


@pytest.fixture
async def addresses(platform: Platform, client: httpx.AsyncClient) -> list[str]:
    for number in range(4):
        await platform.add(number)

    async def all_are_known() -> bool:
        answer = await client.get("/recommend", params={"track": urn(0)})
        return answer.status_code == 200 and len(answer.json()["results"]) == 3

    await eventually(all_are_known)
    return [
        "/healthz", "/readyz", "/metrics", "/openapi.json", "/tracks", f"/tracks/{urn(0)}", "/search?q=title",
        f"/recommend?track={urn(0)}&n=100", f"/recommend?track={urn(0)}&track={urn(1)}&diversity=0.5&format=jspf",
        f"/recommend?track={urn(77)}", "/nothing",
    ]  # fmt: skip


async def test_no_request_waits_for_a_disk_or_a_name_on_the_event_loop(
    client: httpx.AsyncClient, addresses: list[str], watch: Watch
) -> None:
    for address in addresses:  # what is imported or made once is no part of the second time
        assert (await client.get(address)).status_code in {200, 404}, address
    watch.on = True
    for address in addresses:
        await client.get(address)
    assert watch.seen == []


async def test_the_watch_sees_what_it_looks_for(
    client: httpx.AsyncClient, addresses: list[str], watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = recommender.Recommender.recommend

    async def reads_a_file(*arguments: Any, **named: Any) -> Any:
        with open(__file__, "rb"):  # noqa: ASYNC230, PTH123 - what must not be done
            return await real(*arguments, **named)

    monkeypatch.setattr(recommender.Recommender, "recommend", reads_a_file)
    watch.on = True
    await client.get("/recommend", params={"track": urn(0)})
    assert len(watch.seen) == 1


@pytest.mark.parametrize("step", ["_search", "_select"])
async def test_a_long_computation_keeps_nobody_waiting(
    client: httpx.AsyncClient, addresses: list[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real: Callable[..., Any] = getattr(recommender, step)
    begun, go_on = threading.Event(), threading.Event()

    def takes_its_time(*arguments: Any) -> Any:
        begun.set()
        # On the event loop it would wait in vain, since only this loop ends it.
        assert go_on.wait(scale(60)), "the event loop was blocked"
        return real(*arguments)

    monkeypatch.setattr(recommender, step, takes_its_time)
    requests = asyncio.create_task(recommend(client, urn(0), n=100))
    await eventually(begun.is_set)
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get(f"/tracks/{urn(0)}")).status_code == 200
    assert not requests.done()
    go_on.set()
    assert len(await requests) == 3
