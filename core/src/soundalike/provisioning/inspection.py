"""Which of bucket, queues and notification are missing."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from soundalike.errors import StoreUnavailable
from soundalike.provisioning.audio_rules import AUDIO_RULES
from soundalike.provisioning.errors import ProvisioningRefused, translated_errors
from soundalike.storage.message_queue import sqs_client
from soundalike.storage.object_store import s3_client

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

    from soundalike.settings import QueueNameSettings

STORE_UNAVAILABLE: Final = "the object store does not answer"

_ABSENT: Final = frozenset(
    {"404", "NoSuchBucket", "NotFound", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
)


class Resource(StrEnum):
    """What provisioning creates beside the schema."""

    BUCKET = "bucket"
    QUEUE = "queue"
    DEAD_LETTER_QUEUE = "dead_letter_queue"
    NOTIFICATION = "notification"


class Inspector:
    """Looks at bucket and queues; every call blocks for some seconds at most."""

    def __init__(self, settings: QueueNameSettings) -> None:
        self._settings = settings

    def missing(self) -> dict[Resource, str]:
        """Return what does not exist, each with a clause about it; raises `StoreUnavailable`.

        What these credentials may not look at counts as present.
        """
        bucket, queue = self._settings.s3_bucket, self._settings.queue_name
        checks: dict[Resource, tuple[Callable[[], object], str]] = {
            Resource.BUCKET: (
                lambda: self._s3.head_bucket(Bucket=bucket),
                "the bucket does not exist",
            ),
            Resource.QUEUE: (
                lambda: self._sqs.get_queue_url(QueueName=queue),
                "the queue does not exist",
            ),
            Resource.DEAD_LETTER_QUEUE: (
                lambda: self._sqs.get_queue_url(QueueName=self._settings.dead_letter_queue_name),
                "the dead-letter queue does not exist",
            ),
            Resource.NOTIFICATION: (
                self._has_notification,
                "the bucket does not notify the queue of new previews",
            ),
        }
        return {resource: clause for resource, (check, clause) in checks.items() if not _is_present(check)}

    def problems(self) -> Mapping[str, str]:
        """Return what is missing as `missing` does, or that the object store does not answer, for strangers to read."""
        try:
            return {resource.value: clause for resource, clause in self.missing().items()}
        except StoreUnavailable:
            return {"store": STORE_UNAVAILABLE}

    @cached_property
    def _s3(self) -> S3Client:
        return s3_client(self._settings, fail_fast=True)

    @cached_property
    def _sqs(self) -> SQSClient:
        return sqs_client(self._settings, fail_fast=True)

    def _has_notification(self) -> bool:
        rules = self._s3.get_bucket_notification_configuration(Bucket=self._settings.s3_bucket)
        destinations = {rule.get("Id"): rule["QueueArn"] for rule in rules.get("QueueConfigurations", [])}
        return all(destinations.get(name, "").rpartition(":")[2] == self._settings.queue_name for name in AUDIO_RULES)


def _is_present(check: Callable[[], object]) -> bool:
    try:
        with translated_errors():
            return check() is not False
    except (StoreUnavailable, ProvisioningRefused) as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") in _ABSENT:
            return False
        if isinstance(error, StoreUnavailable):
            raise
        return True
