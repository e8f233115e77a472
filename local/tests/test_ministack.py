from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from soundalike.local.environment import neutral_environment
from soundalike.local.errors import PortInUse
from soundalike.local.ports import free_port
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from subprocess import Popen

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

    from soundalike.local.ministack import AwsServer
    from soundalike.local.program import Program

    Launch = Callable[[Program], AbstractContextManager[Popen[bytes]]]


@pytest.fixture
def clients() -> Iterator[Callable[[AwsServer], tuple[S3Client, SQSClient]]]:
    connections: list[S3Client | SQSClient] = []

    def connect(server: AwsServer) -> tuple[S3Client, SQSClient]:
        session = boto3.Session(server.access_key_id, server.secret_access_key, region_name=server.region)
        s3 = session.client("s3", endpoint_url=server.endpoint_url)
        sqs = session.client("sqs", endpoint_url=server.endpoint_url)
        connections.extend([s3, sqs])
        return s3, sqs

    yield connect
    for client in connections:
        client.close()


def _provision(s3: S3Client, sqs: SQSClient) -> str:
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket="music")
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    s3.put_bucket_notification_configuration(
        Bucket="music",
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
    )
    return url


def _keys(sqs: SQSClient, url: str) -> list[str]:
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    records = [record for message in messages for record in json.loads(message["Body"]).get("Records", [])]
    return [record["s3"]["object"]["key"] for record in records]


@pytest.mark.parametrize("same_port", [True, False])
async def test_objects_events_and_settings_survive_a_restart(
    server: AwsServer,
    launch: Launch,
    clients: Callable[[AwsServer], tuple[S3Client, SQSClient]],
    same_port: bool,
) -> None:
    server.prepare()
    with launch(server.program(neutral_environment(os.environ))) as process:
        await server.wait_until_ready()
        s3, sqs = clients(server)
        url = _provision(s3, sqs)
        s3.put_object(Bucket="music", Key="a b+é.mp3", Body=b"first")
        assert _keys(sqs, url) == ["a+b%2B%C3%A9.mp3"]
    assert process.returncode == 0

    restarted = server if same_port else replace(server, port=free_port())
    restarted.prepare()
    with launch(restarted.program(neutral_environment(os.environ))):
        await restarted.wait_until_ready()
        s3, sqs = clients(restarted)
        assert s3.get_object(Bucket="music", Key="a b+é.mp3")["Body"].read() == b"first"
        s3.put_object(Bucket="music", Key="second.mp3", Body=b"second")
        assert _keys(sqs, sqs.get_queue_url(QueueName="events")["QueueUrl"]) == ["second.mp3"]


async def test_objects_survive_a_kill_and_provisioning_repairs_the_rest(
    server: AwsServer, launch: Launch, clients: Callable[[AwsServer], tuple[S3Client, SQSClient]]
) -> None:
    server.prepare()
    with launch(server.program(neutral_environment(os.environ))) as process:
        await server.wait_until_ready()
        s3, sqs = clients(server)
        _provision(s3, sqs)
        s3.put_object(Bucket="music", Key="first.mp3", Body=b"first")
        process.kill()
        process.wait()
    server.prepare()
    with launch(server.program(neutral_environment(os.environ))):
        await server.wait_until_ready()
        s3, sqs = clients(server)
        assert s3.get_object(Bucket="music", Key="first.mp3")["Body"].read() == b"first"
        url = _provision(s3, sqs)
        s3.put_object(Bucket="music", Key="second.mp3", Body=b"second")
        assert _keys(sqs, url) == ["second.mp3"]


@pytest.mark.parametrize("half", [b"\xff\xfe{", b"[1]"])
async def test_half_written_state_does_not_keep_it_from_starting(
    server: AwsServer, launch: Launch, clients: Callable[[AwsServer], tuple[S3Client, SQSClient]], half: bytes
) -> None:
    server.prepare()
    for name in ("s3", "sqs"):
        (server.home / "state" / f"{name}.json").write_bytes(half)
    with launch(server.program(neutral_environment(os.environ))):
        await server.wait_until_ready()
        s3, sqs = clients(server)
        url = _provision(s3, sqs)
        s3.put_object(Bucket="music", Key="first.mp3", Body=b"first")
        assert _keys(sqs, url) == ["first.mp3"]


async def test_objects_whose_files_were_deleted_are_forgotten(
    server: AwsServer, launch: Launch, clients: Callable[[AwsServer], tuple[S3Client, SQSClient]]
) -> None:
    server.prepare()
    with launch(server.program(neutral_environment(os.environ))):
        await server.wait_until_ready()
        s3, sqs = clients(server)
        url = _provision(s3, sqs)
        for key in ("one.mp3", "two.mp3", "kept.mp3"):
            s3.put_object(Bucket="music", Key=key, Body=b"music")
        (one,), (two,) = server.home.rglob("one.mp3"), server.home.rglob("two.mp3")
        one.unlink()
        two.write_bytes(b"mu")

        def names() -> list[str]:
            return [entry["Key"] for entry in s3.list_objects_v2(Bucket="music").get("Contents", [])]

        await eventually(lambda: names() == ["kept.mp3"], "the objects without a whole file, forgotten")
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket="music", Key="one.mp3")
        shutil.rmtree(server.home)
        await eventually(lambda: names() == [], "the objects without their folder, forgotten")
        await eventually((server.home / "temporary").exists)
        long = b"music" * 1_000_000
        s3.put_object(Bucket="music", Key="new.mp3", Body=long)
        assert s3.get_object(Bucket="music", Key="new.mp3")["Body"].read() == long
        assert _keys(sqs, url)[-1] == "new.mp3"


async def test_an_unknown_key_is_refused_and_all_files_are_in_the_data_folder(
    server: AwsServer, launch: Launch, clients: Callable[[AwsServer], tuple[S3Client, SQSClient]]
) -> None:
    server.prepare()
    with launch(server.program(neutral_environment(os.environ))):
        await server.wait_until_ready()
        s3, _ = clients(replace(server, access_key_id="SOMEBODY"))
        with pytest.raises(ClientError, match="403"):
            s3.head_bucket(Bucket="music")
        with pytest.raises(PortInUse, match=str(server.port)):
            server.prepare()
    assert {path.name for path in server.home.iterdir()} == {"objects", "state", "temporary"}
    assert server.secret_access_key not in repr(server)
