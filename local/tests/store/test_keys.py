"""Nothing happens without keys, or with others than those of the store."""

from __future__ import annotations

import socket
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from .conftest import Caller

if TYPE_CHECKING:
    from collections.abc import Callable


class TestAnonymous:
    # What a form or a script of any web page can send without asking first.
    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json",
        ],
    )
    def test_a_web_page_can_send_nothing(
        self, owner: Caller, bucket: str, queue: str, intact: Callable[[], None], content_type: str | None
    ) -> None:
        form = (
            b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nnew\r\n'
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nnew\r\n--x--\r\n'
        )
        message = f"Action=SendMessage&MessageBody=new&QueueUrl={queue}".encode()
        headers = {"Origin": "https://example.org", "Sec-Fetch-Site": "cross-site"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        queue_path = urlsplit(queue).path
        for target, body in [
            ("/_ministack/reset", b""),
            (f"/{bucket}", form),
            (f"/{bucket}?delete", b"<Delete><Object><Key>kept</Key></Object></Delete>"),
            (f"/{bucket}/new", b"new"),
            ("/", message),
            (queue_path, message),
            (f"{queue_path}?Action=PurgeQueue", b""),
        ]:
            for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
                answer = owner.send(method, target, headers, body)
                assert answer.status == 403, f"{method} {target}: {answer.status} {answer.body!r}"
                assert not any(name.lower().startswith("access-control-") for name in answer.headers)
        intact()

    @pytest.mark.parametrize(
        "host", ["[", "[::1", "[::g]", "[1.2.3]", "h/k?x=", "h#", "u@h", "h:x", "h:99999:1", "", "\u00e9"]
    )
    def test_a_host_that_is_none_is_refused_before_the_signature_is_computed(self, owner: Caller, host: str) -> None:
        headers = {**owner.sign("GET", "/"), "Host": host}
        answer = owner.send("GET", "/", headers)
        assert answer.status == 400
        assert b"is not the name of a host" in answer.body

    def test_a_refused_body_is_not_read(self, owner: Caller) -> None:
        host, _, port = owner.host.partition(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(
                f"PUT /bucket/key HTTP/1.1\r\nHost: {owner.host}\r\nContent-Length: 1000000\r\n\r\n".encode()
            )
            # None of the body is sent, and the answer is there.
            assert connection.recv(1000).startswith(b"HTTP/1.1 403")


class TestKeys:
    @pytest.mark.parametrize("operation", ["list_buckets", "list_queues"])
    @pytest.mark.parametrize(
        ("key", "secret", "codes"),
        [
            (None, "wrong-wrong-wrong", {"SignatureDoesNotMatch"}),
            ("test", "test", {"InvalidAccessKeyId"}),
            ("test", None, {"InvalidAccessKeyId"}),
            ("000000000000", "test", {"InvalidAccessKeyId"}),
            ("123456789012", None, {"InvalidAccessKeyId"}),
            ("AKIAIOSFODNN7EXAMPLE", "wrong-wrong-wrong", {"InvalidAccessKeyId"}),
        ],
    )
    def test_only_the_one_pair_is_accepted(
        self, owner: Caller, operation: str, key: str | None, secret: str | None, codes: set[str]
    ) -> None:
        other = Caller(owner.host, key or owner.access_key_id, secret or owner.secret_access_key)
        client = other.client("sqs" if "queue" in operation else "s3")
        with pytest.raises(ClientError) as error:
            getattr(client, operation)()
        client.close()
        assert error.value.response["Error"]["Code"] in codes
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    def test_a_session_token_is_refused(self, owner: Caller, bucket: str) -> None:
        signed = owner.sign("GET", f"/{bucket}/kept", {"x-amz-security-token": "token"})
        assert owner.send("GET", f"/{bucket}/kept", signed).is_refusal

    def test_other_signatures_are_refused(self, owner: Caller, bucket: str) -> None:
        target = f"/{bucket}/kept"
        signed = owner.sign("GET", target)
        for authorization in [
            f"AWS {owner.access_key_id}:c2lnbmF0dXJl",
            f"Basic {b64encode(f'{owner.access_key_id}:{owner.secret_access_key}'.encode()).decode()}",
            f"Bearer {owner.access_key_id}",
            signed["Authorization"].replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            signed["Authorization"].replace("Signature=", "Signature=0"),
            signed["Authorization"][:-1] + ("0" if signed["Authorization"][-1] != "0" else "1"),
            signed["Authorization"] + ", " + signed["Authorization"],
            signed["Authorization"].replace("/aws4_request", "/aws4_request/"),
            signed["Authorization"].replace("SignedHeaders=host;", "SignedHeaders="),
            "",
        ]:
            assert owner.send("GET", target, {**signed, "Authorization": authorization}).is_refusal, authorization
        legacy = owner.client("s3", signature_version="s3")
        url = legacy.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "kept"})
        legacy.close()
        assert owner.send("GET", url.removeprefix(f"http://{owner.host}")).is_refusal
