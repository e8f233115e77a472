"""Bodies in signed chunks, sent to the running store."""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .conftest import Caller


class TestAwsChunked:
    """Bodies whose checksum follows them, as boto3 sends them where the connection is encrypted."""

    def body(self, content: bytes, checksum: bytes | None = None) -> bytes:
        value = b64encode(zlib.crc32(content).to_bytes(4, "big") if checksum is None else checksum)
        chunk = f"{len(content):x}\r\n".encode() + content + b"\r\n" if content else b""
        return chunk + b"0\r\nx-amz-checksum-crc32:" + value + b"\r\n\r\n"

    def headers(self, length: int, trailer: str = "x-amz-checksum-crc32") -> dict[str, str]:
        return {
            "Content-Encoding": "aws-chunked",
            "X-Amz-Decoded-Content-Length": str(length),
            "X-Amz-Trailer": trailer,
        }

    def put(self, owner: Caller, bucket: str, body: bytes, headers: dict[str, str]) -> Any:
        return owner.send_signed("PUT", f"/{bucket}/new", headers, body, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")

    @pytest.mark.parametrize("content", [b"", b"new", bytes(range(256)) * 20_000])
    def test_boto3_sends_them(self, owner: Caller, s3: Any, bucket: str, content: bytes) -> None:
        import boto3
        from botocore.awsrequest import AWSResponse

        session = boto3.Session(owner.access_key_id, owner.secret_access_key, region_name="us-east-1")
        encrypted = session.client("s3", endpoint_url=f"https://{owner.host}")
        sent: list[str] = []

        def send(request: Any, **_: Any) -> AWSResponse:
            # Everything but the encryption is as boto3 makes it.
            headers = {
                name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
            }
            sent.append(headers["X-Amz-Content-SHA256"])
            body = b"".join(
                f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in iter(lambda: request.body.read(9999), b"")
            )
            answer = owner.send(request.method, urlsplit(request.url).path, headers, body + b"0\r\n\r\n")
            return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))

        encrypted.meta.events.register("before-send", send)
        encrypted.put_object(Bucket=bucket, Key="new", Body=content)
        encrypted.close()
        assert sent == ["STREAMING-UNSIGNED-PAYLOAD-TRAILER"]
        assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == content
        assert "aws-chunked" not in s3.head_object(Bucket=bucket, Key="new").get("ContentEncoding", "")

    def test_is_decoded(self, owner: Caller, s3: Any, bucket: str) -> None:
        assert self.put(owner, bucket, self.body(b"new"), self.headers(3)).status == 200
        assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"new"

    def test_a_body_that_is_not_what_it_says_becomes_no_object(self, owner: Caller, s3: Any, bucket: str) -> None:
        whole = self.body(b"new")
        for body, headers in [
            (self.body(b"new", bytes(4)), self.headers(3)),
            (whole, self.headers(2)),
            (whole, self.headers(4)),
            (whole.partition(b"0\r\n")[0], self.headers(3)),
            (whole.partition(b"x-amz")[0] + b"\r\n", self.headers(3)),
            (whole[:-2], self.headers(3, "x-amz-checksum-sha256")),
            (whole, self.headers(3, "")),
            (whole, self.headers(3, "x-amz-meta-a")),
            (whole.replace(b"3\r\n", b"-3\r\n"), self.headers(3)),
            (whole.replace(b"3\r\n", b"fffffffff\r\n"), self.headers(3)),
            (whole.replace(b"3\r\n", b"2\r\n"), self.headers(3)),
            (whole.replace(b"\r\n\r\n", b"\r\nx-amz-meta-a:b\r\n\r\n"), self.headers(3)),
            (b"new", self.headers(3)),
            (b"", self.headers(0)),
            (b"0" * 1000, self.headers(3)),
            (whole, {**self.headers(3), "Content-Encoding": "gzip"}),
            (whole, {"Content-Encoding": "aws-chunked"}),
        ]:
            assert self.put(owner, bucket, body, headers).is_refusal, (body, headers)
        for payload in ("UNSIGNED-PAYLOAD", None):
            answer = owner.send_signed("PUT", f"/{bucket}/new", self.headers(3), whole, payload=payload)
            assert answer.is_refusal
        for payload in ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-", "none", "A" * 64):
            assert owner.send_signed("PUT", f"/{bucket}/new", self.headers(3), whole, payload=payload).is_refusal
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket=bucket, Key="new")


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, *_: Any, **__: Any) -> bytes:
        body, self._body = self._body, b""
        return body
