"""`POST /recommend`: a recording of one's own, with the extractor played by the tests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.api.errors import ExtractorUnavailable, TooManyUploads, UploadRejected
from soundalike.api.routes import uploads as routes
from soundalike.api.routes.uploads import MAX_UPLOAD_BYTES
from soundalike.api.upload_spool import UploadSpool
from soundalike.api.uploads import MAX_CONCURRENT, UploadExtractor
from soundalike.db import uploads
from soundalike.db.uploads import Analysis
from soundalike.errors import StoreUnavailable
from soundalike.storage.object_keys import UPLOADS, upload_of
from soundalike.testing.wait import eventually

from .conftest import MODEL, Platform, index_of, tag_probabilities, urn, vector
from .test_problems import problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx
    from fastapi import FastAPI

AUDIO = {"Content-Type": "audio/mpeg"}


def app_of(client: httpx.AsyncClient) -> FastAPI:
    app: FastAPI = client._transport.app  # type: ignore[attr-defined]
    return app


async def waiting_query(platform: Platform) -> str | None:
    """The query whose recording is in the bucket."""
    async for entry in platform.store.list(UPLOADS):
        return upload_of(entry.key)
    return None


@asynccontextmanager
async def extractor_stub(platform: Platform, outcome: Analysis | str) -> AsyncIterator[list[bytes]]:
    """An extractor that analyses one upload with this outcome; yields the bodies that it read."""
    bodies: list[bytes] = []

    async def extract() -> None:
        query = await eventually(lambda: waiting_query(platform))
        async for entry in platform.store.list(UPLOADS):
            bodies.append((await platform.store.get(entry.key, max_bytes=10**9)).data)
            await platform.store.delete(entry.key)
        if isinstance(outcome, Analysis):
            await uploads.complete(platform.pool, query, outcome)
        else:
            await uploads.reject(platform.pool, query, outcome)

    task = asyncio.create_task(extract())
    try:
        yield bodies
    finally:
        await task


async def remains(platform: Platform) -> tuple[int, int]:
    objects = [entry.key async for entry in platform.store.list(UPLOADS)]
    return len(objects), await platform.pool.fetchval("SELECT count(*) FROM queries")


async def upload(client: httpx.AsyncClient, content: Any = b"music", **params: Any) -> httpx.Response:
    return await client.post("/recommend", content=content, headers=AUDIO, params=params)


async def test_a_recording_is_compared_with_everything_and_nothing_is_kept(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    for number in (1, 2, 3):
        await platform.add(number, model_tags=("jazz",))
    await eventually(lambda: _tail(client, 3))
    async with extractor_stub(platform, Analysis(MODEL.model, vector(2), tag_probabilities("jazz"))) as bodies:
        answer = await upload(client, n=2)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert bodies == [b"music"]
    assert body["seeds"] == []
    assert len(body["results"]) == 2
    assert (body["results"][0]["urn"], body["results"][0]["shared_tags"]) == (urn(2), ["jazz"])
    assert await remains(platform) == (0, 0)


async def _tail(client: httpx.AsyncClient, count: int) -> bool:
    return (await index_of(client)).get("tail") == count


async def test_the_parameters_of_recommend_count(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in (1, 2, 3):
        await platform.add(number)
    await eventually(lambda: _tail(client, 3))
    async with extractor_stub(platform, Analysis(MODEL.model, vector(2), None)):
        answer = await upload(client, exclude=urn(2), format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert urn(2) not in answer.text
    assert urn(1) in answer.text


async def test_a_recording_is_compared_beside_counterexamples(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in (1, 2, 3):
        await platform.add(number)
    await eventually(lambda: _tail(client, 3))
    async with extractor_stub(platform, Analysis(MODEL.model, vector(2), None)):
        body = (await upload(client, not_like=urn(2))).json()
    assert [each["urn"] for each in body["not_like"]] == [urn(2)]
    assert {each["urn"] for each in body["results"]} == {urn(1), urn(3)}
    # Nothing is uploaded for a comparison that cannot be made.
    answer = await upload(client, not_like=urn(9))
    assert answer.status_code == 404, answer.text
    assert await remains(platform) == (0, 0)


async def test_what_the_extractor_refuses_comes_back_with_its_reason(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async with extractor_stub(platform, "the recording is silent"):
        body = problem(await upload(client), 422, "recording-refused")
    assert body["detail"] == "the recording is silent"
    assert await remains(platform) == (0, 0)


async def test_without_an_extractor_it_gives_up_and_clears_up(platform: Platform, client: httpx.AsyncClient) -> None:
    state = app_of(client).state
    state.upload_extractor = UploadExtractor(state.platform, platform.store, timeout_s=0.3)
    answer = await upload(client)
    problem(answer, 503, "nobody-listens")
    assert int(answer.headers["retry-after"]) > 0
    assert await remains(platform) == (0, 0)


async def test_without_a_bucket_it_says_so_and_clears_up(
    platform: Platform, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(platform.store, "put", away)
    assert "object store" in problem(await upload(client), 503, "nobody-listens")["detail"]
    assert await remains(platform) == (0, 0)


async def test_another_models_vector_is_not_compared(platform: Platform, client: httpx.AsyncClient) -> None:
    async with extractor_stub(platform, Analysis("another", vector(1), None)):
        problem(await upload(client), 503, "nobody-listens")


async def test_more_at_once_than_there_are_places_are_sent_away(platform: Platform, client: httpx.AsyncClient) -> None:
    state = app_of(client).state
    state.upload_extractor = UploadExtractor(state.platform, platform.store, max_concurrent=1)
    first = asyncio.create_task(upload(client))
    await eventually(lambda: waiting_query(platform))
    answer = await upload(client)
    problem(answer, 503, "too-many-recordings")
    assert answer.headers["retry-after"]
    async with extractor_stub(platform, "enough"):
        assert (await first).status_code == 422


@pytest.mark.parametrize(
    "failure", [UploadRejected("it needs more than 3 s of a processor"), ExtractorUnavailable("not in time")], ids=repr
)
async def test_callers_of_many_files_that_fail_share_one_place(
    platform: Platform, client: httpx.AsyncClient, failure: Exception
) -> None:
    extractor = UploadExtractor(app_of(client).state.platform, platform.store, max_concurrent=4)
    for _ in range(3):
        for caller in ("one", "another"):
            with suppress(UploadRejected, ExtractorUnavailable):
                async with extractor.slot(caller):
                    raise failure
    async with extractor.slot("one"):
        for caller in ("one", "another"):
            with pytest.raises(TooManyUploads):
                async with extractor.slot(caller):
                    pass
        # The other three places are left to everybody else.
        async with extractor.slot("honest"), extractor.slot("honest"), extractor.slot("third"):
            pass
    async with extractor.slot("another"):
        pass


@pytest.mark.parametrize("caller", ["", "203.0.113.7", "key:3"])
async def test_one_caller_leaves_a_place_to_others(
    platform: Platform, client: httpx.AsyncClient, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundalike.api.uploads._PLACE_TIMEOUT_S", 0.05)
    extractor = UploadExtractor(app_of(client).state.platform, platform.store, max_concurrent=4)
    async with extractor.slot(caller), extractor.slot(caller), extractor.slot(caller):
        with pytest.raises(TooManyUploads):
            async with extractor.slot(caller):
                pass
        async with extractor.slot("honest"):
            pass
    async with extractor.slot(caller):
        pass
    assert len(extractor._slots_of_callers) == 0


async def test_a_few_rejected_files_and_any_that_are_analysed_cost_no_place(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    extractor = UploadExtractor(app_of(client).state.platform, platform.store, max_concurrent=3)
    for _ in range(20):
        async with extractor.slot("caller"):
            pass
    for _ in range(2):
        with suppress(UploadRejected):
            async with extractor.slot("caller"):
                raise UploadRejected("it is silent")
    async with extractor.slot("caller"), extractor.slot("caller"):
        pass


async def test_slow_clients_keep_nobody_waiting(platform: Platform, client: httpx.AsyncClient) -> None:
    """Each of as many as there are places sends a byte and then nothing more."""
    begun, end = asyncio.Semaphore(0), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"x"
        begun.release()
        await end.wait()

    slow = [asyncio.create_task(upload(client, slowly())) for _ in range(2 * MAX_CONCURRENT)]
    for _ in slow:
        await begun.acquire()
    async with extractor_stub(platform, "it is silent"):
        assert "it is silent" in problem(await upload(client), 422, "recording-refused")["detail"]
    assert not any(each.done() for each in slow)
    end.set()
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


@pytest.mark.parametrize(("grace_s", "limit_s"), [(0.2, 3_600), (3_600, 0.2)])
async def test_a_client_that_is_too_slow_is_told(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, grace_s: float, limit_s: float
) -> None:
    monkeypatch.setattr(routes, "_GRACE_S", grace_s)
    monkeypatch.setattr(routes, "_UPLOAD_TIMEOUT_S", limit_s)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    assert "16 kB/s" in problem(await upload(client, trickle()), 408, "upload-too-slow")["detail"]


async def test_uploads_on_their_way_are_limited(platform: Platform, client: httpx.AsyncClient, tmp_path: Path) -> None:
    spool = app_of(client).state.upload_spool = UploadSpool(tmp_path / "small", max_bytes=1_000, max_caller_bytes=100)
    body = problem(await upload(client, bytes(101)), 503, "too-many-recordings")
    assert "of yours" in body["detail"]
    assert await remains(platform) == (0, 0)
    async with extractor_stub(platform, "it is silent"), spool.open("somebody else") as other:
        await other.write(bytes(100))
        problem(await upload(client, bytes(100)), 422, "recording-refused")


@pytest.mark.parametrize(
    "content_type",
    ["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "video/mp4"],
)
async def test_another_content_type_is_refused_with_instructions(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/recommend", content=b"music", headers={"Content-Type": content_type})
    assert "--data-binary" in problem(answer, 415, "not-audio")["detail"]
    assert "audio/*" in answer.headers["accept-post"]


async def test_too_much_is_refused_whether_it_says_its_size_or_not(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_UPLOAD_BYTES // 1_000_000 + 1):
            yield bytes(1_000_000)

    for content in (bytes(MAX_UPLOAD_BYTES + 1), pieces()):
        body = problem(await upload(client, content), 413, "recording-too-large")
        assert str(MAX_UPLOAD_BYTES) in body["detail"]
    assert await remains(platform) == (0, 0)


async def test_nothing_is_no_recording(client: httpx.AsyncClient) -> None:
    assert "empty" in problem(await upload(client, b""), 422, "recording-refused")["detail"]


@pytest.mark.parametrize("params", [{"track": "x"}, {"n": 0}, {"tag": "jaz"}, {"exclude": "nonsense"}])
async def test_wrong_parameters_are_refused_before_the_upload_is_analysed(
    platform: Platform, client: httpx.AsyncClient, params: dict[str, Any]
) -> None:
    assert (await upload(client, **params)).status_code == 422
    assert await remains(platform) == (0, 0)
