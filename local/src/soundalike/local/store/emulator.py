"""ministack's S3 and SQS, called directly: its router, with administration and fifty other services, is never run.

ministack reads its settings from the environment when it is imported, so it is imported only when the emulator is made.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundalike.local.store.refusal import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soundalike.local.store.operations import S3Call
    from soundalike.local.store.request import Request
    from soundalike.local.store.signature import Claim, Credentials

    ServiceReply = tuple[int, dict[str, Any], bytes | str]

_SETTINGS = {
    # Requests without credentials are nobody's.
    "AUTH": "true",
    "SERVICES": "s3,sqs",
    "S3_PERSIST": "1",
    "PERSIST_STATE": "1",
    "LOG_LEVEL": "WARNING",
}


log = logging.getLogger(__name__)

_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)

FOLDERS = ("S3_DATA_DIR", "STATE_DIR", "TMPDIR")
"""The variables that name them."""


class Emulator:
    """Objects, queues and settings, in the folders that S3_DATA_DIR and STATE_DIR name."""

    def __init__(self, credentials: Credentials, port: int) -> None:
        # The port is part of the names under which queues are stored.
        os.environ.update({**_SETTINGS, "GATEWAY_PORT": str(port)})
        self.create_folders()
        from ministack.core import persistence, responses
        from ministack.services import s3, sqs

        self._access_key_id = credentials.access_key_id
        self._persistence, self._context = persistence, responses
        self._s3, self._sqs = s3, sqs
        # For what its memory holds and its folder does not, ministack has no call.
        self._buckets: dict[tuple[str, str], dict[str, Any]] = s3._buckets._data  # noqa: SLF001
        self._object_path: Callable[[str, str, str], str] = s3._object_disk_path  # noqa: SLF001

    def load(self) -> None:
        """Restore queues and the settings of buckets; objects are there already."""
        for name, service in self._services().items():
            try:
                if state := self._persistence.load_state(name):
                    service.load_persisted_state(state)
            except _UNREADABLE as error:
                # What a power cut left half-written; provisioning creates all of it again.
                log.error("the state of %s cannot be read and is left out: %s", name, error)  # noqa: TRY400

    def save(self) -> None:
        """Write down queues and the settings of buckets."""
        self._persistence.save_all({name: service.get_state for name, service in self._services().items()})

    def create_folders(self) -> None:
        """Create the folders for objects, settings and long bodies where they do not exist."""
        for folder in filter(None, map(os.environ.get, FOLDERS)):
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    async def forget_lost_objects(self) -> list[str]:
        """Forget the objects whose files are gone from the disk, or cut short there; returns their names.

        ministack would list and describe them for ever, and break off whenever one is read.
        """
        stored = [
            (owner, key, record, self._object_path(owner[1], key, owner[0]))
            for owner, bucket in self._buckets.items()
            for key, record in bucket["objects"].items()
            if record.get("body") is None
        ]
        damaged = await asyncio.to_thread(lambda: [entry for entry in stored if not _is_whole(entry[3], entry[2])])
        lost = []
        for owner, key, record, _ in damaged:
            objects = self._buckets.get(owner, {}).get("objects", {})
            # Meanwhile it may have been deleted, or written again.
            if objects.get(key) is record:
                del objects[key]
                lost.append(f"{owner[1]}/{key}")
        return lost

    async def call_s3(
        self, request: Request, claim: Claim, call: S3Call, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """Answer a verified request to S3; `headers` are those with which the body ended."""
        self._enter(claim)
        own_headers = {**call.headers, **headers, **self._identity(request, claim), "content-length": str(len(body))}
        # Lists, as it gets them from its own router.
        query = {name: [value] for name, value in call.query.items()}
        reply: ServiceReply = await self._s3.handle_request(request.method, call.path, own_headers, body, query)
        if request.method == "HEAD":
            reply = self._s3.format_head_response(call.path, own_headers, reply)
        return _reply(reply)

    async def call_sqs(self, request: Request, claim: Claim, body: bytes) -> Reply:
        """Answer a verified request to SQS."""
        self._enter(claim)
        own_headers = {
            "content-type": request.headers["content-type"],
            "x-amz-target": request.headers["x-amz-target"],
            **self._identity(request, claim),
        }
        return _reply(await self._sqs.handle_request("POST", "/", own_headers, body, {}))

    def _services(self) -> dict[str, Any]:
        return {"s3": self._s3, "sqs": self._sqs}

    def _enter(self, claim: Claim) -> None:
        # In the context of the request's own task.
        self._context.set_request_account_id(self._access_key_id)
        self._context.set_request_region(claim.region)

    def _identity(self, request: Request, claim: Claim) -> dict[str, str]:
        credential = f"{self._access_key_id}/{claim.scope}"
        return {
            "host": request.headers["host"],
            "x-amz-date": claim.timestamp,
            "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}",
        }


def _is_whole(path: str, record: Mapping[str, Any]) -> bool:
    try:
        return bool(Path(path).stat().st_size == record["size"])
    except OSError:
        return False


def _reply(reply: ServiceReply) -> Reply:
    status, headers, body = reply
    all_headers = {"x-amzn-requestid": str(uuid.uuid4()), **headers}
    content = body.encode() if isinstance(body, str) else body
    return Reply(status, tuple((name, str(value)) for name, value in all_headers.items()), content)
