from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from soundalike.db import database, losses, tracks
from soundalike.domain.track_id import TrackId
from soundalike.errors import DatabaseUnavailable, StoreUnavailable
from soundalike.provisioning import inspection
from soundalike.provisioning.cli import provision, provision_with_retry
from soundalike.provisioning.inspection import Inspector, Resource
from soundalike.provisioning.resources import ProvisioningSettings, provision_events
from soundalike.provisioning.upkeep import Upkeep
from soundalike.retry import Backoff, RetryPolicy
from soundalike.settings import QueueSettings
from soundalike.storage.message_queue import sqs_client
from soundalike.storage.object_store import s3_client
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from soundalike.db.database import Pool

_TRACK = TrackId("deezer", "1")
_SOON = Backoff(initial_s=0.01, max_s=0.01)


@pytest.fixture
def settings(aws_environment: object, whole_ministack: str, monkeypatch: pytest.MonkeyPatch) -> QueueSettings:
    monkeypatch.setenv("AWS_ENDPOINT_URL", whole_ministack)
    name = f"upkeep-{uuid4().hex[:12]}"
    made = QueueSettings(s3_bucket=name, queue_name=name)
    provision_events(made)
    return made


def _lose(settings: QueueSettings, *resources: Resource) -> None:
    s3, sqs = s3_client(settings), sqs_client(settings)
    for resource in resources:
        match resource:
            case Resource.BUCKET:
                s3.delete_bucket(Bucket=settings.s3_bucket)
            case Resource.QUEUE:
                sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=settings.queue_name)["QueueUrl"])
            case Resource.DEAD_LETTER_QUEUE:
                sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=settings.dead_letter_queue_name)["QueueUrl"])
            case Resource.NOTIFICATION:
                s3.put_bucket_notification_configuration(Bucket=settings.s3_bucket, NotificationConfiguration={})


async def _recorded(pool: Pool) -> list[tuple[str, str]]:
    return [(loss.kind, loss.name) for loss in await losses.recent(pool, timedelta(days=1))]


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        ([Resource.BUCKET], ["bucket", "notification"]),
        ([Resource.QUEUE], ["queue"]),
        ([Resource.DEAD_LETTER_QUEUE], ["dead_letter_queue"]),
        ([Resource.NOTIFICATION], ["notification"]),
        ([Resource.BUCKET, Resource.QUEUE, Resource.DEAD_LETTER_QUEUE], list(Resource)),
    ],
)
async def test_what_is_missing_is_named_created_again_and_recorded(
    settings: QueueSettings, pool: Pool, lost: list[Resource], missing: list[str]
) -> None:
    await tracks.ensure(pool, _TRACK)
    upkeep, inspector = Upkeep(pool, settings), Inspector(settings)
    assert not await upkeep.check()
    _lose(settings, *lost)
    assert list(inspector.problems()) == missing
    assert await upkeep.check()
    assert inspector.problems() == {}
    assert [kind for kind, _ in await _recorded(pool)] == missing


async def test_what_is_missing_at_the_first_start_is_no_loss(settings: QueueSettings, database_url: str) -> None:
    _lose(settings, Resource.BUCKET)
    requests = ProvisioningSettings(**settings.model_dump(), database_url=database_url)
    await provision(requests)
    async with database.connect(database_url) as pool:
        assert await _recorded(pool) == []
        await tracks.ensure(pool, _TRACK)
        _lose(settings, Resource.BUCKET)
        await provision(requests)
        assert ("bucket", settings.s3_bucket) in await _recorded(pool)


async def test_upkeep_goes_on_after_failures(
    settings: QueueSettings, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep, repairs = Upkeep(pool, settings, backoff=_SOON), 0
    failures = iter([StoreUnavailable("away"), DatabaseUnavailable("away"), OSError("away")])
    look = Inspector.missing

    def missing(inspector: Inspector) -> dict[Resource, str]:
        if (failure := next(failures, None)) is not None:
            raise failure
        return look(inspector)

    def count() -> None:
        nonlocal repairs
        repairs += 1

    monkeypatch.setattr(Inspector, "missing", missing)
    _lose(settings, Resource.QUEUE)
    task = asyncio.create_task(upkeep.run(count))
    await eventually(lambda: repairs == 1, "the repair after three failures")
    task.cancel()
    assert Inspector(settings).problems() == {}


def test_a_server_that_is_away_is_told_and_nothing_else(settings: QueueSettings, unused_tcp_port: int) -> None:
    away = settings.model_copy(update={"aws_endpoint_url": f"http://127.0.0.1:{unused_tcp_port}"})
    assert list(Inspector(away).problems()) == ["store"]
    with pytest.raises(StoreUnavailable):
        provision_events(away)


def test_what_may_not_be_looked_at_counts_as_present(settings: QueueSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            def refuse(**_: object) -> None:
                raise ClientError(
                    {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, name
                )

            return refuse

    monkeypatch.setattr(inspection, "s3_client", lambda *_, **__: Refusing())
    monkeypatch.setattr(inspection, "sqs_client", lambda *_, **__: Refusing())
    assert Inspector(settings).problems() == {}


async def test_provisioning_waits_for_what_does_not_answer() -> None:
    outcomes = iter([StoreUnavailable("away"), ConnectionRefusedError(), TimeoutError(), None])
    waits: list[float] = []

    async def work() -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    await provision_with_retry(work, RetryPolicy(attempts=4, backoff=Backoff(1.0, 2.0, 0.0), sleep=sleep))
    assert waits == [1.0, 2.0, 2.0]
