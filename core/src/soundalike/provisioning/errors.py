"""What can go wrong when bucket and queues are looked at or created, as types."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from soundalike.errors import PermanentError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVER_ERROR: Final = 500

# Something else deletes or creates the same at this moment, or asks to wait.
_PASSING: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "NoSuchBucket",
        "OperationAborted",
        "QueueDeletedRecently",
        "QueueDoesNotExist",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)


class ProvisioningRefused(PermanentError):
    """The object store or the queue service refuses a call: rights or credentials are missing, or a name is taken."""


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise `StoreUnavailable` in place of boto3's errors that pass, and `ProvisioningRefused` for the others."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= _SERVER_ERROR or error.response.get("Error", {}).get("Code") in _PASSING:
            raise StoreUnavailable(f"the object store or its queues are not available: {error}") from error
        raise ProvisioningRefused(str(error)) from error
    except NoCredentialsError as error:
        raise ProvisioningRefused(str(error)) from error
    except (BotoCoreError, OSError) as error:
        raise StoreUnavailable(f"the object store or its queues do not answer: {error}") from error
