"""The paths of administration that the emulator has: none answers, however it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

ADMINISTRATION = [
    "/_ministack/reset",
    "/_ministack/reset/",
    "/_ministack/reset?init=1",
    "/_ministack/config",
    "/_ministack/health",
    "/_ministack/ready",
    "/_ministack/rds/iam-auth",
    "/_ministack/cfn-response/token",
    "/_ministack/lambda-code/name",
    "/_ministack/sqs/messages",
    "/_ministack/ses/messages",
    "/_ministack/iot/ca.pem",
    "/_localstack/health",
    "/_localstack/init",
    "/_aws/ses",
    "/_aws/sqs/messages",
    "/health",
    "/oauth2/token",
    "/latest/meta-data/iam/security-credentials/",
    "/v2/email/outbound-emails",
    "/v20180820/accesspoint",
    "/2015-03-31/functions",
    # Disguised.
    "//_ministack/reset",
    "///_ministack//reset",
    "/%5fministack/reset",
    "/%5F%6D%69nistack%2Freset",
    "/%255fministack/reset",
    "/./_ministack/reset",
    "/_ministack/./reset",
    "/_ministack/x/../reset",
    "/{bucket}/../_ministack/reset",
    "/{bucket}/%2e%2e/_ministack/reset",
    "/{bucket}/..%2f_ministack/reset",
    "/{bucket}%2f..%2f_ministack/reset",
    "/_MINISTACK/reset",
    "/_ministack\\reset",
    "\\_ministack\\reset",
    "/_ministack/reset;x",
    "/_ministack/reset#",
    "/_ministack/reset%00",
    "/_ministack/reset%20",
    "/?/_ministack/reset",
    "_ministack/reset",
    "*",
    "http://{host}/_ministack/reset",
    "http://localhost/_ministack/reset",
]


class TestAdministration:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
    @pytest.mark.parametrize("signed", [False, True])
    def test_is_not_reachable(
        self, owner: Caller, bucket: str, intact: Callable[[], None], method: str, signed: bool
    ) -> None:
        for form in ADMINISTRATION:
            target = form.format(bucket=bucket, host=owner.host)
            headers = owner.sign(method, target if target.startswith("/") else "/") if signed else {}
            # The name of a bucket that may be made is no administration.
            if signed and (method, target) in {("PUT", "/health"), ("PUT", "/v2"), ("HEAD", "/health")}:
                continue
            answer = owner.send(method, target, headers)
            assert answer.is_refusal, f"{method} {target}: {answer.status} {answer.body[:200]!r}"
            assert b"ministack" not in answer.body.replace(b"_ministack", b"")
        intact()

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-HTTP-Method-Override": "DELETE"},
            {"X-HTTP-Method": "DELETE"},
            {"X-Method-Override": "DELETE"},
            {"X-Original-URL": "/_ministack/reset"},
            {"X-Rewrite-URL": "/_ministack/reset"},
            {"X-Forwarded-Prefix": "/_ministack/reset"},
            {"X-Forwarded-Host": "sts.amazonaws.com"},
            {"Forwarded": "host=sts.amazonaws.com"},
        ],
        ids=lambda headers: next(iter(headers)),
    )
    def test_is_not_reachable_by_headers_that_rewrite_a_request(
        self, owner: Caller, bucket: str, intact: Callable[[], None], headers: dict[str, str]
    ) -> None:
        for method, target in [("POST", "/"), ("GET", f"/{bucket}/kept"), ("POST", "/_ministack/reset")]:
            assert owner.send(method, target, headers).is_refusal
        signed = owner.sign("GET", f"/{bucket}/kept", headers)
        assert owner.send("GET", f"/{bucket}/kept", signed).body == b"kept"
        intact()

    @pytest.mark.parametrize(
        "host", ["_ministack", "sts.amazonaws.com", "bucket.s3.amazonaws.com", "a.execute-api.localhost", "x.iot.y.z"]
    )
    def test_is_not_reachable_by_another_host(
        self, owner: Caller, bucket: str, intact: Callable[[], None], host: str
    ) -> None:
        other = Caller(host, owner.access_key_id, owner.secret_access_key)
        for method, target in [("POST", "/_ministack/reset"), ("GET", "/health"), ("POST", "/")]:
            assert owner.send(method, target, {"Host": host}).is_refusal
            assert owner.send(method, target, {**other.sign(method, target), "Host": host}).is_refusal
        # The address alone names the bucket.
        signed = {**other.sign("GET", f"/{bucket}/kept"), "Host": host}
        assert owner.send("GET", f"/{bucket}/kept", signed).body == b"kept"
        intact()

    def test_websockets_are_not_served(self, owner: Caller) -> None:
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "mqtt",
            "Host": "x.iot.us-east-1.localhost",
        }
        assert owner.send("GET", "/mqtt", upgrade).is_refusal
