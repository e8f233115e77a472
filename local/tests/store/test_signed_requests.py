"""A signed request cannot be changed, replayed much later or sent to another host."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Caller


class TestSignedRequest:
    @pytest.mark.parametrize(("minutes", "accepted"), [(-16, False), (-14, True), (0, True), (14, True), (16, False)])
    def test_is_valid_for_a_quarter_of_an_hour(self, owner: Caller, bucket: str, minutes: int, accepted: bool) -> None:
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        assert (owner.send_signed("GET", f"/{bucket}/kept", at=at).status == 200) is accepted

    def test_cannot_be_sent_with_another_body(self, owner: Caller, s3: Any, bucket: str) -> None:
        target = f"/{bucket}/new"
        signed = owner.sign("PUT", target, body=b"one")
        for body in (b"two", b"on", b"one ", b""):
            assert owner.send("PUT", target, signed, body).is_refusal
        for key in ("new",):
            with pytest.raises(ClientError, match="404"):
                s3.head_object(Bucket=bucket, Key=key)
        assert owner.send("PUT", target, signed, b"one").status == 200

    def test_cannot_send_another_message(self, owner: Caller, queue: str, intact: Callable[[], None]) -> None:
        headers = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
        body = json.dumps({"QueueUrl": queue, "MessageBody": "new"}).encode()
        signed = owner.sign("POST", "/", headers, body, service="sqs")
        assert owner.send("POST", "/", signed, body.replace(b"new", b"old")).status == 403
        hashed = owner.sign("POST", "/", {**headers, "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, body, service="sqs")
        assert owner.send("POST", "/", hashed, body).is_refusal
        intact()

    def test_cannot_be_sent_as_another(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        signed = owner.sign("GET", f"/{bucket}/kept")
        for method, target in [
            ("DELETE", f"/{bucket}/kept"),
            ("HEAD", f"/{bucket}/kept"),
            ("PUT", f"/{bucket}/kept"),
            ("GET", f"/{bucket}/other"),
            ("GET", f"/{bucket}//kept"),
            ("GET", f"/{bucket}/kept?uploads"),
            ("GET", f"/{bucket}/%6bept"),
            ("GET", f"//{bucket}/kept"),
        ]:
            assert owner.send(method, target, signed).is_refusal, (method, target)
        assert owner.send("GET", f"/{bucket}/kept", {**signed, "Host": "localhost"}).is_refusal
        assert owner.send("GET", f"/{bucket}/kept", signed).status == 200
        intact()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("x-amz-meta-a", "b"),
            ("x-amz-copy-source", "/{bucket}/kept"),
            ("x-amz-acl", "public-read"),
            ("x-amz-tagging", "a=b"),
            ("x-amz-website-redirect-location", "/"),
            ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ("content-type", "text/html"),
            ("content-encoding", "aws-chunked"),
            ("if-match", "*"),
        ],
    )
    def test_headers_cannot_be_added(self, owner: Caller, s3: Any, bucket: str, name: str, value: str) -> None:
        signed = owner.sign("PUT", f"/{bucket}/new", body=b"new")
        answer = owner.send("PUT", f"/{bucket}/new", {**signed, name: value.format(bucket=bucket)}, b"new")
        assert answer.is_refusal
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket=bucket, Key="new")

    @pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-content-sha256", "authorization"])
    def test_headers_cannot_occur_twice(self, owner: Caller, bucket: str, name: str) -> None:
        target = f"/{bucket}/kept"
        signed = {key.lower(): value for key, value in owner.sign("PUT", target, body=b"new").items()}
        signed["host"] = owner.host
        for value in (signed[name], "0"):
            for pairs in ([*signed.items(), (name, value)], [(name, value), *signed.items()]):
                assert owner.send("PUT", target, pairs, b"new").is_refusal

    def test_has_one_length(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        target = f"/{bucket}/kept"
        signed = owner.sign("PUT", target, body=b"new")
        chunked = b"3\r\nnew\r\n0\r\n\r\n"
        assert owner.send("PUT", target, {**signed, "Transfer-Encoding": "chunked"}, chunked).is_refusal
        both = {**signed, "Transfer-Encoding": "chunked", "Content-Length": "3"}
        assert owner.send("PUT", target, both, chunked).is_refusal
        for lengths in (["3", "0"], ["0", "3"]):
            pairs = [*signed.items(), *(("Content-Length", length) for length in lengths)]
            assert owner.send("PUT", target, pairs, b"new").is_refusal
        for length in ("-3", "+3", "0x3", "3, 4", "3.0", "99999999999999999999"):
            assert owner.send("PUT", target, {**signed, "Content-Length": length}, b"new").is_refusal
        intact()

    def test_two_requests_in_one_are_two_requests(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        target, inner = f"/{bucket}/kept", f"DELETE /{bucket}/kept HTTP/1.1\r\nHost: {owner.host}\r\n\r\n"
        signed = owner.sign("GET", target)
        assert owner.send("GET", target, {**signed, "Content-Length": str(len(inner))}, inner.encode()).is_refusal
        intact()

    @pytest.mark.parametrize(
        "query", ["list-type=2&list-type=2", "list-type=2&prefix=a&prefix=b", "list-type=2&&", "=1"]
    )
    def test_parameters_are_clear(self, owner: Caller, bucket: str, query: str) -> None:
        assert owner.send_signed("GET", f"/{bucket}?{query}").status == 400

    def test_a_body_that_breaks_off_becomes_no_object(self, owner: Caller, s3: Any, bucket: str) -> None:
        host, _, port = owner.host.partition(":")
        content = bytes(3_000_000)
        signed = {**owner.sign("PUT", f"/{bucket}/new", body=content), "Host": owner.host}
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(f"PUT /{bucket}/new HTTP/1.1\r\n{head}Content-Length: {len(content)}\r\n\r\n".encode())
            connection.sendall(content[:-1])
        s3.put_object(Bucket=bucket, Key="after", Body=b"")
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket=bucket, Key="new")

    def test_checksums_and_md5_are_compared(self, owner: Caller, s3: Any, bucket: str) -> None:
        for header in (
            {"x-amz-checksum-crc32": "AAAAAA=="},
            {"x-amz-checksum-sha256": b64encode(bytes(32)).decode()},
            {"x-amz-checksum-crc64nvme": b64encode(bytes(8)).decode()},
            {"content-md5": b64encode(bytes(16)).decode()},
        ):
            assert owner.send_signed("PUT", f"/{bucket}/new", header, b"new").status == 400
            with pytest.raises(ClientError, match="404"):
                s3.head_object(Bucket=bucket, Key="new")
