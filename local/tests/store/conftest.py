from __future__ import annotations

import http.client
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conftest import AwsEndpoint

REGION = "us-east-1"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_refusal(self) -> bool:
        """Whether it is a refusal of the request, not a failure of the server."""
        return 400 <= self.status < 500 or self.status == 501


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests byte by byte, and signs them (or not) with the keys that he has."""

    host: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | list[tuple[str, str]] = (),  # type: ignore[assignment]
        body: bytes = b"",
    ) -> Answer:
        """Send exactly this; only Host and Content-Length are added where they are missing."""
        pairs = list(headers.items()) if hasattr(headers, "items") else list(headers)
        names = {name.lower() for name, _ in pairs}
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            if "host" not in names:
                connection.putheader("Host", self.host)
            for name, value in pairs:
                connection.putheader(name, value)
            if not {"content-length", "transfer-encoding"} & names and (body or method in {"PUT", "POST"}):
                connection.putheader("Content-Length", str(len(body)))
            # In one piece: a body that comes after the refusal resets the connection, and with it the answer.
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was read
                connection.endheaders(body or None)
            response = connection.getresponse()
            return Answer(response.status, response.read(), dict(response.headers))
        finally:
            connection.close()

    def sign(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] = {},
        body: bytes = b"",
        *,
        service: str = "s3",
        payload: str | None = None,
        at: datetime | None = None,
    ) -> dict[str, str]:
        """Let botocore sign a request; `payload` stands in for the hash of the body."""
        kind = S3SigV4Auth if service == "s3" else SigV4Auth

        class Auth(kind):  # type: ignore[misc, valid-type]
            def payload(self, request: AWSRequest) -> str:
                return payload or str(super().payload(request))

        request = AWSRequest(method, f"http://{self.host}{target}", dict(headers), body)
        auth = Auth(Credentials(self.access_key_id, self.secret_access_key), service, REGION)
        with pytest.MonkeyPatch.context() as patch:
            moment = at or datetime.now(UTC)
            patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: moment)
            auth.add_auth(request)
        return dict(request.headers.items())

    def send_signed(
        self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes = b"", **options: Any
    ) -> Answer:
        """Sign a request and send it."""
        return self.send(method, target, self.sign(method, target, headers, body, **options), body)

    def presign(
        self, method: str, target: str, expires: int = 60, headers: Mapping[str, str] = {}, at: datetime | None = None
    ) -> str:
        """Return the target of a request with the signature in it."""
        request = AWSRequest(method, f"http://{self.host}{target}", dict(headers))
        keys = Credentials(self.access_key_id, self.secret_access_key)
        with pytest.MonkeyPatch.context() as patch:
            moment = at or datetime.now(UTC)
            patch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: moment)
            S3SigV4QueryAuth(keys, "s3", REGION, expires).add_auth(request)
        parts = urlsplit(request.url)
        return f"{parts.path}?{parts.query}"

    def client(self, service: str, **config: Any) -> Any:
        """Open a client of boto3."""
        session = boto3.Session(self.access_key_id, self.secret_access_key, region_name=REGION)
        retries = {"total_max_attempts": 1}
        return session.client(
            service,
            endpoint_url=f"http://{self.host}",
            config=Config(retries=retries, proxies={}, s3={"addressing_style": "path"}, **config),
        )


@pytest.fixture(scope="session")
def owner(aws_endpoint: AwsEndpoint) -> Caller:
    """Whoever has the keys."""
    host = aws_endpoint.endpoint_url.removeprefix("http://")
    return Caller(host, aws_endpoint.access_key_id, aws_endpoint.secret_access_key)


@pytest.fixture(scope="session")
def s3(owner: Caller) -> Iterator[Any]:
    client = owner.client("s3")
    yield client
    client.close()


@pytest.fixture(scope="session")
def sqs(owner: Caller) -> Iterator[Any]:
    client = owner.client("sqs")
    yield client
    client.close()


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket with one object, `kept`."""
    name = f"store-{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="kept", Body=b"kept")
    return name


@pytest.fixture
def queue(sqs: Any) -> str:
    """A queue with one message, `kept`."""
    url = str(sqs.create_queue(QueueName=f"store-{uuid4().hex}")["QueueUrl"])
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    return url


def target_of(bucket: str, key: str) -> str:
    return f"/{bucket}/{quote(key, safe='/~')}"


@pytest.fixture
def intact(s3: Any, sqs: Any, bucket: str, queue: str) -> Callable[[], None]:
    """Compare bucket and queue with what they held before."""

    def check() -> None:
        assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept"
        assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "1"

    return check
