"""With a signature nothing but the operations of S3 and SQS that the services need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from .conftest import Caller, target_of

if TYPE_CHECKING:
    from collections.abc import Callable


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
