"""The object store: S3 (or what speaks its protocol), and one in memory for tests."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    ResponseStreamingError,
)

from soundalike.errors import ObjectAltered, ObjectMissing, ObjectTooLarge, ObjectTruncated, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mypy_boto3_s3.client import S3Client

    from soundalike.settings import StoreSettings

T = TypeVar("T")

_CHUNK_BYTES = 1024 * 1024
_BEYOND_THE_END = frozenset({"InvalidRange", "416"})
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """An object as a listing shows it; `size` in bytes."""

    key: str
    size: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object read into memory."""

    data: bytes
    etag: str


class ObjectStore(Protocol):
    """Objects by key. Every method may raise `StoreUnavailable`, after which it may be tried again."""

    @property
    def bucket(self) -> str:
        """The name of the bucket."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object, replacing the one before it."""

    async def get(self, key: str, *, max_bytes: int) -> StoredObject:
        """Read an object into memory; raises `ObjectMissing`, `ObjectTooLarge`."""

    async def delete(self, key: str, *, etag: str | None = None) -> None:
        """Delete an object; with `etag` only while it still holds that content. A missing one is no error."""

    async def upload(self, key: str, path: Path) -> None:
        """Write a file of any size as an object."""

    async def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Read an object of up to `max_bytes` into a file; raises `ObjectMissing`, `ObjectTooLarge`."""

    async def describe(self, key: str) -> ObjectSummary:
        """Describe an object, having read its first byte.

        Raises `ObjectMissing`, and `ObjectTruncated` where there is no first byte.
        """

    async def sha256(self, key: str) -> str:
        """Read an object of any size and return its SHA-256 (hex); raises `ObjectMissing`, `ObjectTruncated`."""

    def list(self, prefix: str) -> AsyncIterator[ObjectSummary]:
        """Yield the objects whose keys begin with `prefix`, in the order of their keys."""


class S3Store:
    """One bucket of S3, by boto3 in threads."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self._bucket

    @classmethod
    def connect(cls, settings: StoreSettings) -> S3Store:
        """Open a client for the bucket that the settings name; nothing is sent yet."""
        return cls(s3_client(settings), settings.s3_bucket)

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object, replacing the one before it."""
        await _call(
            lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type), key
        )

    async def get(self, key: str, *, max_bytes: int) -> StoredObject:
        """Read an object into memory; raises `ObjectMissing`, `ObjectTooLarge`."""

        def read() -> StoredObject:
            response = self._client.get_object(Bucket=self._bucket, Key=key)
            with closing(response["Body"]) as body:
                _check_size(key, response["ContentLength"], max_bytes)
                return StoredObject(data=body.read(), etag=response["ETag"])

        return await _call(read, key)

    async def delete(self, key: str, *, etag: str | None = None) -> None:
        """Delete an object; with `etag` only while it still holds that content. A missing one is no error."""

        def remove() -> None:
            if etag is not None and self._client.head_object(Bucket=self._bucket, Key=key)["ETag"] != etag:
                return
            self._client.delete_object(Bucket=self._bucket, Key=key)

        try:
            await _call(remove, key)
        except ObjectMissing:
            return

    async def upload(self, key: str, path: Path) -> None:
        """Write a file of any size as an object."""
        await _call(lambda: self._client.upload_file(str(path), self._bucket, key), key)

    async def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Read an object of up to `max_bytes` into a file; raises `ObjectMissing`, `ObjectTooLarge`."""

        def read() -> None:
            _check_size(key, self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"], max_bytes)
            self._client.download_file(self._bucket, key, str(path))

        await _call(read, key)

    async def describe(self, key: str) -> ObjectSummary:
        """Describe an object, having read its first byte.

        Raises `ObjectMissing`, and `ObjectTruncated` where there is no first byte: a store may list what it has lost.
        """

        def read() -> ObjectSummary:
            response = self._client.get_object(Bucket=self._bucket, Key=key, Range="bytes=0-0")
            with closing(response["Body"]) as body:
                if len(body.read()) != 1:
                    raise ObjectTruncated(f"the object store sends nothing of {key}")
            size = int(response["ContentRange"].rpartition("/")[2])
            return ObjectSummary(key, size, response["ETag"], response["LastModified"])

        return await _call(read, key)

    async def sha256(self, key: str) -> str:
        """Read an object of any size and return its SHA-256 (hex); raises `ObjectMissing`, `ObjectTruncated`."""

        def read() -> str:
            digest = hashlib.sha256()
            with closing(self._client.get_object(Bucket=self._bucket, Key=key)["Body"]) as body:
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    digest.update(chunk)
            return digest.hexdigest()

        return await _call(read, key)

    async def list(self, prefix: str) -> AsyncIterator[ObjectSummary]:
        """Yield the objects whose keys begin with `prefix`, in the order of their keys."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix))
        while (page := await _call(lambda: next(pages, None), prefix)) is not None:
            for item in page.get("Contents", []):
                yield ObjectSummary(item["Key"], item["Size"], item["ETag"], item["LastModified"])


class MemoryStore:
    """A bucket in memory, for tests."""

    bucket = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}

    async def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - part of the protocol
        """Write an object, replacing the one before it."""
        self.objects[key] = (data, datetime.now(UTC))

    async def get(self, key: str, *, max_bytes: int) -> StoredObject:
        """Read an object; raises `ObjectMissing`, `ObjectTooLarge`."""
        data = self._data(key)
        _check_size(key, len(data), max_bytes)
        return StoredObject(data, _etag(data))

    async def delete(self, key: str, *, etag: str | None = None) -> None:
        """Delete an object; with `etag` only while it still holds that content."""
        if key in self.objects and etag in {None, _etag(self._data(key))}:
            del self.objects[key]

    async def upload(self, key: str, path: Path) -> None:
        """Write a file as an object."""
        await self.put(key, await asyncio.to_thread(path.read_bytes), "application/octet-stream")

    async def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Read an object into a file; raises `ObjectMissing`, `ObjectTooLarge`."""
        _check_size(key, len(self._data(key)), max_bytes)
        await asyncio.to_thread(path.write_bytes, self._data(key))

    async def describe(self, key: str) -> ObjectSummary:
        """Describe an object; raises `ObjectMissing`, `ObjectTruncated`."""
        data = self._data(key)
        if not data:
            raise ObjectTruncated(f"{key} is empty")
        return ObjectSummary(key, len(data), _etag(data), self.objects[key][1])

    async def sha256(self, key: str) -> str:
        """Return the SHA-256 (hex) of an object; raises `ObjectMissing`."""
        return hashlib.sha256(self._data(key)).hexdigest()

    async def list(self, prefix: str) -> AsyncIterator[ObjectSummary]:
        """Yield the objects whose keys begin with `prefix`, in the order of their keys."""
        for key in sorted(k for k in self.objects if k.startswith(prefix)):
            data, written = self.objects[key]
            yield ObjectSummary(key, len(data), _etag(data), written)

    def _data(self, key: str) -> bytes:
        try:
            return self.objects[key][0]
        except KeyError:
            raise ObjectMissing(f"no object {key}") from None


def s3_client(settings: StoreSettings, *, fail_fast: bool = False) -> S3Client:
    """Open an S3 client; addresses are path-style where an endpoint is named, for servers without wildcard DNS.

    With `fail_fast` it gives up within seconds.
    """
    style: Literal["path", "auto"] = "path" if settings.aws_endpoint_url else "auto"
    return boto3.client(
        "s3",
        region_name=settings.aws_default_region,
        endpoint_url=settings.aws_endpoint_url,
        config=Config(
            s3={"addressing_style": style},
            connect_timeout=2 if fail_fast else 5,
            read_timeout=5 if fail_fast else 30,
            max_pool_connections=32,
            retries={"mode": "standard", "total_max_attempts": 1 if fail_fast else 3},
        ),
    )


async def _call(call: Callable[[], T], key: str) -> T:
    try:
        return await asyncio.to_thread(call)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code in _MISSING:
            raise ObjectMissing(f"no object {key}") from error
        if code in _BEYOND_THE_END:
            raise ObjectTruncated(f"{key} is empty") from error
        raise StoreUnavailable(f"the object store refused {key}: {error}") from error
    except (IncompleteReadError, ResponseStreamingError) as error:
        raise ObjectTruncated(f"the object store ended {key} before its end: {error}") from error
    except FlexibleChecksumError as error:
        raise ObjectAltered(f"{key} was altered in the object store: {error}") from error
    except (Boto3Error, BotoCoreError, OSError) as error:
        raise StoreUnavailable(f"the object store did not answer for {key}: {error}") from error


def _check_size(key: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise ObjectTooLarge(f"{key} has {size} bytes; the limit is {max_bytes}")


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()}"'
