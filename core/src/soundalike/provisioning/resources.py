"""Creating bucket, queues, policy and notification; safe to repeat, on ministack and on AWS."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from soundalike.db import losses, track_states
from soundalike.db.losses import Loss
from soundalike.provisioning.audio_rules import AUDIO_RULES
from soundalike.provisioning.errors import translated_errors
from soundalike.provisioning.inspection import Resource
from soundalike.settings import DatabaseSettings, QueueSettings
from soundalike.storage.message_queue import sqs_client
from soundalike.storage.object_store import s3_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        LifecycleRuleOutputTypeDef,
        LifecycleRuleTypeDef,
        NotificationConfigurationTypeDef,
        QueueConfigurationTypeDef,
    )
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

    from soundalike.db.database import Executor

log = logging.getLogger(__name__)

_DAY_S = 86_400
# Dead letters are kept for longer than messages in the queue: their age counts from the first send.
_RETENTION_S = 4 * _DAY_S
_DEAD_RETENTION_S = 14 * _DAY_S


class ProvisioningSettings(DatabaseSettings, QueueSettings):
    """The database, bucket and queues to set up."""


async def repair(db: Executor, settings: QueueSettings, missing: Mapping[Resource, str]) -> None:
    """Create bucket, queues and notification; what is `missing` although tracks were crawled is told and recorded.

    Raises `StoreUnavailable`, `ProvisioningRefused` and what the database raises.
    """
    # Before anything is created: what nobody could record would be lost silently.
    is_in_use = any((await track_states.count_by_state(db)).values())
    await asyncio.to_thread(provision_events, settings)
    if not missing or not is_in_use:
        return
    log.warning(
        "%s (bucket %s, queue %s): created again", ", ".join(missing.values()), settings.s3_bucket, settings.queue_name
    )
    names = {
        Resource.BUCKET: settings.s3_bucket,
        Resource.QUEUE: settings.queue_name,
        Resource.DEAD_LETTER_QUEUE: settings.dead_letter_queue_name,
        Resource.NOTIFICATION: settings.s3_bucket,
    }
    for resource in missing:
        await losses.record(db, Loss(resource.value, names[resource]))


def provision_events(settings: QueueSettings) -> None:
    """Create the bucket, the queue with its dead-letter queue, and the notification from bucket to queue.

    Raises `StoreUnavailable` and `ProvisioningRefused`.
    """
    with translated_errors():
        _provision_events(settings)


def _provision_events(settings: QueueSettings) -> None:
    s3, sqs = s3_client(settings), sqs_client(settings)
    _ensure_bucket(s3, settings)
    _, dead_arn = _ensure_queue(
        sqs, settings.dead_letter_queue_name, {"MessageRetentionPeriod": str(_DEAD_RETENTION_S)}
    )
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": settings.queue_max_receives}
    url, arn = _ensure_queue(
        sqs,
        settings.queue_name,
        {
            "MessageRetentionPeriod": str(_RETENTION_S),
            "VisibilityTimeout": str(settings.queue_visibility_s),
            "RedrivePolicy": json.dumps(redrive),
        },
    )
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_policy(arn, settings.s3_bucket))})
    _ensure_notification(s3, settings.s3_bucket, arn)
    _ensure_lifecycle(s3, settings.s3_bucket)
    log.info("bucket %s notifies queue %s of previews and uploads", settings.s3_bucket, settings.queue_name)


def _ensure_bucket(s3: S3Client, settings: QueueSettings) -> None:
    try:
        # S3 refuses the default region where a location constraint is expected.
        if settings.aws_default_region == "us-east-1":
            s3.create_bucket(Bucket=settings.s3_bucket)
        else:
            s3.create_bucket(
                Bucket=settings.s3_bucket,
                CreateBucketConfiguration={"LocationConstraint": settings.aws_default_region},  # type: ignore[typeddict-item]
            )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    s3.put_public_access_block(
        Bucket=settings.s3_bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )


def _ensure_queue(sqs: SQSClient, name: str, attributes: dict[QueueAttributeNameType, str]) -> tuple[str, str]:
    # CreateQueue refuses a queue of that name with other attributes, so they are set in a call of their own.
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _policy(queue_arn: str, bucket: str) -> dict[str, object]:
    partition, account = queue_arn.split(":")[1], queue_arn.split(":")[4]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PreviewsOnly",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": f"arn:{partition}:s3:::{bucket}"},
                    "StringEquals": {"aws:SourceAccount": account},
                },
            }
        ],
    }


def _ensure_notification(s3: S3Client, bucket: str, queue_arn: str) -> None:
    # PutBucketNotification replaces everything, so the rules of others in a shared bucket are kept.
    current = s3.get_bucket_notification_configuration(Bucket=bucket)
    ours: list[QueueConfigurationTypeDef] = [
        {
            "Id": name,
            "QueueArn": queue_arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": rule.prefix}]}},
        }
        for name, rule in AUDIO_RULES.items()
    ]
    others = [rule for rule in current.get("QueueConfigurations", []) if rule.get("Id") not in AUDIO_RULES]
    configuration: NotificationConfigurationTypeDef = {"QueueConfigurations": [*others, *ours]}
    if topics := current.get("TopicConfigurations"):
        configuration["TopicConfigurations"] = topics
    if functions := current.get("LambdaFunctionConfigurations"):
        configuration["LambdaFunctionConfigurations"] = functions
    if (bridge := current.get("EventBridgeConfiguration")) is not None:
        configuration["EventBridgeConfiguration"] = bridge
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


def _ensure_lifecycle(s3: S3Client, bucket: str) -> None:
    # A safety net behind the deletion after extraction: audio is deleted even where everything else failed.
    rules: list[LifecycleRuleOutputTypeDef] = []
    try:
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
    ours: list[LifecycleRuleTypeDef] = [
        {
            "ID": name,
            "Status": "Enabled",
            "Filter": {"Prefix": rule.prefix},
            "Expiration": {"Days": rule.days},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        for name, rule in AUDIO_RULES.items()
    ]
    others = [rule for rule in rules if rule.get("ID") not in AUDIO_RULES]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [*others, *ours]})
