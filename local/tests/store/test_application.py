"""The running store, attacked: nothing happens without a signature, and with one nothing but S3 and SQS."""

from __future__ import annotations

import json
import socket
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from .conftest import Caller, target_of

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


@pytest.fixture
def intact(s3: Any, sqs: Any, bucket: str, queue: str) -> Callable[[], None]:
    """Compare bucket and queue with what they held before."""

    def check() -> None:
        assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept"
        assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "1"

    return check


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


class TestOperations:
    @pytest.mark.parametrize(
        ("service", "operation", "arguments"),
        [
            ("dynamodb", "list_tables", {}),
            ("sts", "get_caller_identity", {}),
            ("sts", "get_session_token", {}),
            ("iam", "create_access_key", {}),
            ("lambda", "list_functions", {}),
            ("cloudformation", "list_stacks", {}),
            ("secretsmanager", "list_secrets", {}),
            ("sns", "list_topics", {}),
            ("events", "list_rules", {}),
            ("kinesis", "list_streams", {}),
            ("ec2", "describe_instances", {}),
            ("ecs", "list_clusters", {}),
            ("kms", "list_keys", {}),
            ("ssm", "describe_parameters", {}),
            ("logs", "describe_log_groups", {}),
        ],
    )
    def test_other_services_are_refused(
        self, owner: Caller, service: str, operation: str, arguments: dict[str, Any]
    ) -> None:
        client = owner.client(service)
        with pytest.raises(ClientError) as error:
            getattr(client, operation)(**arguments)
        client.close()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    @pytest.mark.parametrize(
        "target", ["DynamoDB_20120810.ListTables", "AWSSecurityTokenServiceV20110615.X", "AmazonSQS.A.B"]
    )
    def test_a_signature_for_sqs_opens_nothing_else(self, owner: Caller, target: str) -> None:
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
        assert owner.send_signed("POST", "/", headers, b"{}", service="sqs").status == 403

    @pytest.mark.parametrize(
        ("operation", "arguments"),
        [
            ("delete_bucket", {}),
            ("delete_objects", {"Delete": {"Objects": [{"Key": "kept"}]}}),
            ("copy_object", {"Key": "new", "CopySource": "{bucket}/kept"}),
            ("list_objects", {}),
            ("list_object_versions", {}),
            ("get_bucket_policy", {}),
            ("put_bucket_policy", {"Policy": "{}"}),
            ("put_bucket_acl", {"ACL": "public-read"}),
            (
                "put_bucket_cors",
                {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}},
            ),
            ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
            ("put_bucket_website", {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "x"}}}),
            ("delete_public_access_block", {}),
            ("delete_bucket_lifecycle", {}),
            ("put_object_acl", {"Key": "kept", "ACL": "public-read"}),
            ("put_object", {"Key": "new", "ACL": "public-read"}),
            ("put_object_tagging", {"Key": "kept", "Tagging": {"TagSet": []}}),
            ("get_object", {"Key": "kept", "VersionId": "null"}),
            ("get_object", {"Key": "kept", "ResponseContentType": "text/html"}),
            ("get_object_attributes", {"Key": "kept", "ObjectAttributes": ["ETag"]}),
            ("restore_object", {"Key": "kept"}),
        ],
    )
    def test_operations_that_nobody_needs_are_refused(
        self, s3: Any, bucket: str, intact: Callable[[], None], operation: str, arguments: dict[str, Any]
    ) -> None:
        filled = {
            name: value.format(bucket=bucket) if isinstance(value, str) and "{bucket}" in value else value
            for name, value in arguments.items()
        }
        with pytest.raises(ClientError) as error:
            getattr(s3, operation)(Bucket=bucket, **filled)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 501}
        intact()

    @pytest.mark.parametrize(
        ("operation", "arguments"),
        [
            ("purge_queue", {}),
            ("delete_queue", {}),
            ("add_permission", {"Label": "a", "AWSAccountIds": ["1"], "Actions": ["*"]}),
            ("send_message_batch", {"Entries": [{"Id": "a", "MessageBody": "new"}]}),
            ("tag_queue", {"Tags": {}}),
        ],
    )
    def test_actions_that_nobody_needs_are_refused(
        self, sqs: Any, queue: str, intact: Callable[[], None], operation: str, arguments: dict[str, Any]
    ) -> None:
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(sqs, operation)(QueueUrl=queue, **arguments)
        intact()

    def test_the_old_protocol_of_sqs_is_refused(self, owner: Caller, queue: str, intact: Callable[[], None]) -> None:
        path = urlsplit(queue).path
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for target in ("/", path, f"{path}?Action=PurgeQueue", "/?Action=ListQueues"):
            assert owner.send_signed("GET", target, service="sqs").status == 403
            assert owner.send_signed("POST", target, form, b"Action=PurgeQueue", service="sqs").status == 403
        intact()

    def test_a_bucket_notifies_queues_only(self, s3: Any, bucket: str) -> None:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )

    def test_objects_come_in_parts_too(self, s3: Any, bucket: str) -> None:
        upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
        parts = [bytes(5 * 1024 * 1024), b"end"]
        tags = [
            s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=part)["ETag"]
            for number, part in enumerate(parts, 1)
        ]
        assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == upload
        assert len(s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"]) == 2
        listed = {"Parts": [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]}
        s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=listed)
        assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == b"".join(parts)
        aborted = s3.create_multipart_upload(Bucket=bucket, Key="aborted")["UploadId"]
        s3.abort_multipart_upload(Bucket=bucket, Key="aborted", UploadId=aborted)
        assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None

    @pytest.mark.parametrize(
        "key",
        [
            "a b",
            "a+b",
            "é/ü",
            "日本",
            "a%2Fb",
            "a%20b",
            "//x",
            "a//b/",
            "~",
            "-_.",
            "a=b&c;d",
            "*'()!",
            "a?b#c",
            "%",
            "..a",
        ],
    )
    def test_any_key_can_be_used(self, owner: Caller, s3: Any, bucket: str, key: str) -> None:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"a": "b  c"}, ContentType="audio/mpeg")
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        assert s3.head_object(Bucket=bucket, Key=key)["ContentType"] == "audio/mpeg"
        assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]] == [key]
        assert owner.send("GET", owner.presign("GET", target_of(bucket, key))).body == key.encode()
        s3.delete_object(Bucket=bucket, Key=key)
        assert owner.send("GET", owner.presign("GET", target_of(bucket, key))).status == 404

    def test_an_answer_about_nothing_is_that_of_s3(self, s3: Any, bucket: str) -> None:
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=bucket, Key="nothing")
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket=bucket, Key="nothing")
        with pytest.raises(ClientError, match="404"):
            s3.head_bucket(Bucket=f"nothing-{uuid4().hex}")
        with pytest.raises(s3.exceptions.NoSuchBucket):
            s3.put_object(Bucket=f"nothing-{uuid4().hex}", Key="a", Body=b"")


class TestPresigned:
    def test_objects_can_be_written_and_read(self, owner: Caller, bucket: str) -> None:
        target = f"/{bucket}/by%20address"
        assert owner.send("PUT", owner.presign("PUT", target), {"Content-Type": "audio/mpeg"}, b"new").status == 200
        answer = owner.send("GET", owner.presign("GET", target), {"Range": "bytes=1-"})
        assert (answer.status, answer.body) == (206, b"ew")
        head = owner.send("HEAD", owner.presign("HEAD", target))
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "3")

    def test_addresses_of_boto3_work(self, owner: Caller, bucket: str) -> None:
        client = owner.client("s3", signature_version="s3v4")
        for operation, method, body, status in [
            ("put_object", "PUT", b"new", 200),
            ("get_object", "GET", b"", 200),
            ("head_object", "HEAD", b"", 200),
            ("delete_object", "DELETE", b"", 403),
        ]:
            url = client.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": "a b/é"}, ExpiresIn=60)
            assert owner.send(method, url.removeprefix(f"http://{owner.host}"), body=body).status == status
        for operation, method in [("list_objects_v2", "GET"), ("create_bucket", "PUT"), ("head_bucket", "HEAD")]:
            url = client.generate_presigned_url(operation, Params={"Bucket": bucket}, ExpiresIn=60)
            assert owner.send(method, url.removeprefix(f"http://{owner.host}")).status == 403
        client.close()

    def test_end(self, owner: Caller, bucket: str) -> None:
        target, now = f"/{bucket}/kept", datetime.now(UTC)
        for at, expires, status in [
            (now - timedelta(seconds=90), 60, 403),
            (now - timedelta(days=6), 7 * 86_400, 200),
            (now - timedelta(days=8), 7 * 86_400, 403),
            (now + timedelta(minutes=16), 60, 403),
            (now, 7 * 86_400 + 1, 400),
            (now, 0, 400),
            (now, -1, 400),
        ]:
            assert owner.send("GET", owner.presign("GET", target, expires, at=at)).status == status

    def test_cannot_be_changed(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        read, write = owner.presign("GET", f"/{bucket}/kept"), owner.presign("PUT", f"/{bucket}/new")
        for method, target in [
            ("PUT", read),
            ("DELETE", read),
            ("HEAD", read),
            ("GET", read.replace("/kept", "/other")),
            ("GET", read.replace("X-Amz-Expires=60", "X-Amz-Expires=600")),
            ("GET", read[:-1] + ("0" if read[-1] != "0" else "1")),
            ("GET", f"{read}0"),
            ("GET", f"{read}&X-Amz-Expires=600"),
            ("GET", f"{read}&uploads"),
            ("GET", f"{read}&response-content-type=text/html"),
            ("GET", read.replace("X-Amz-Signature", "x-amz-signature")),
            ("GET", read.partition("&X-Amz-Signature")[0]),
            ("GET", read.replace("SignedHeaders=host", "SignedHeaders=")),
            ("PUT", write.replace("/new", "/kept")),
            ("PUT", f"{write}&x-amz-copy-source={bucket}%2Fkept"),
            ("GET", write),
        ]:
            assert owner.send(method, target).is_refusal, (method, target)
        intact()
        assert owner.send("PUT", write, {"x-amz-acl": "public-read"}).is_refusal
        assert owner.send("PUT", write, {"x-amz-copy-source": f"/{bucket}/kept"}).is_refusal
        assert owner.send("GET", read, owner.sign("GET", f"/{bucket}/kept")).is_refusal
        intact()

    def test_a_secret_that_is_wrong_signs_no_address(self, owner: Caller, bucket: str) -> None:
        other = Caller(owner.host, owner.access_key_id, "wrong-wrong-wrong")
        assert owner.send("GET", other.presign("GET", f"/{bucket}/kept")).status == 403

    def test_forms_are_refused(self, owner: Caller, bucket: str, intact: Callable[[], None]) -> None:
        client = owner.client("s3", signature_version="s3v4")
        form = client.generate_presigned_post(bucket, "new")
        client.close()
        fields = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {**form["fields"], "file": "new"}.items()
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert owner.send("POST", f"/{bucket}", headers, f"{fields}--x--\r\n".encode()).status == 403
        intact()


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
