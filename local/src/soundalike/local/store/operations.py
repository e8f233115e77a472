"""What may be asked of the store: what our services do, and what the AWS CLI needs to look at it and to copy files.

Everything else is refused. Nothing here deletes a bucket or a queue, copies between objects, changes permissions, or
reaches another service of ministack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from defusedxml import ElementTree

from soundalike.local.store import aws_chunked
from soundalike.local.store.refusal import RequestRefused, access_denied
from soundalike.local.store.signature import QUERY_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundalike.local.store.request import Request

MAX_OBJECT_BYTES: Final = 256 * 1024 * 1024
"""ministack holds an object in memory while it stores it; larger ones come in parts."""

MAX_DOCUMENT_BYTES: Final = 2 * 1024 * 1024
"""The longest settings and messages."""

SQS_ACTIONS: Final = frozenset(
    {
        "ChangeMessageVisibility",
        "CreateQueue",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListQueues",
        "ReceiveMessage",
        "SendMessage",
        "SetQueueAttributes",
    }
)

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SQS_TARGET = re.compile(r"AmazonSQS\.([A-Za-z]{1,64})")

_CONDITIONS: Final = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
_DESCRIPTION: Final = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-md5",
        "content-type",
        "expires",
        "x-amz-sdk-checksum-algorithm",
        *aws_chunked.CHECKSUMS,
    }
)
_META: Final = "x-amz-meta-"
# Those that this program itself reads.
_OWN_HEADERS: Final = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amz-user-agent", *aws_chunked.HEADERS})

_Target = Literal["service", "bucket", "object"]


@dataclass(frozen=True, slots=True)
class S3Operation:
    """One operation of S3: how its requests are recognised, and what they may carry.

    `selector` are the parameters that it must have, with a fixed value or (None) with any; `options` are those that it
    may have besides; `headers` are those that reach ministack.
    """

    name: str
    method: str
    target: _Target
    selector: Mapping[str, str | None]
    options: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    max_body_bytes: int = 0
    presigned: bool = False


def _settings(name: str, parameter: str) -> tuple[S3Operation, S3Operation]:
    read = S3Operation(f"Get{name}", "GET", "bucket", {parameter: ""})
    write = S3Operation(
        f"Put{name}", "PUT", "bucket", {parameter: ""}, headers=_DESCRIPTION, max_body_bytes=MAX_DOCUMENT_BYTES
    )
    return read, write


_RETRIEVAL = _CONDITIONS | {"range", "x-amz-checksum-mode"}

S3_OPERATIONS: Final = (
    S3Operation(
        "ListBuckets",
        "GET",
        "service",
        {},
        frozenset({"max-buckets", "continuation-token", "prefix", "bucket-region"}),
    ),
    S3Operation("CreateBucket", "PUT", "bucket", {}, headers=_DESCRIPTION, max_body_bytes=MAX_DOCUMENT_BYTES),
    S3Operation("HeadBucket", "HEAD", "bucket", {}),
    S3Operation("GetBucketLocation", "GET", "bucket", {"location": ""}),
    S3Operation(
        "ListObjectsV2",
        "GET",
        "bucket",
        {"list-type": "2"},
        frozenset({"prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type"})
        | {"fetch-owner"},
    ),
    S3Operation(
        "ListMultipartUploads",
        "GET",
        "bucket",
        {"uploads": ""},
        frozenset({"prefix", "delimiter", "max-uploads", "key-marker", "upload-id-marker", "encoding-type"}),
    ),
    *_settings("BucketNotificationConfiguration", "notification"),
    *_settings("BucketLifecycleConfiguration", "lifecycle"),
    *_settings("PublicAccessBlock", "publicAccessBlock"),
    S3Operation("GetObject", "GET", "object", {}, headers=_RETRIEVAL, presigned=True),
    S3Operation("HeadObject", "HEAD", "object", {}, headers=_RETRIEVAL, presigned=True),
    S3Operation(
        "PutObject",
        "PUT",
        "object",
        {},
        headers=_DESCRIPTION | {"if-match", "if-none-match", _META},
        max_body_bytes=MAX_OBJECT_BYTES,
        presigned=True,
    ),
    S3Operation("DeleteObject", "DELETE", "object", {}, headers=frozenset({"if-match"})),
    S3Operation(
        "CreateMultipartUpload",
        "POST",
        "object",
        {"uploads": ""},
        headers=_DESCRIPTION | {"x-amz-checksum-algorithm", "x-amz-checksum-type", _META},
    ),
    S3Operation(
        "UploadPart",
        "PUT",
        "object",
        {"partNumber": None, "uploadId": None},
        headers=_DESCRIPTION,
        max_body_bytes=MAX_OBJECT_BYTES,
    ),
    S3Operation(
        "CompleteMultipartUpload",
        "POST",
        "object",
        {"uploadId": None},
        headers=_DESCRIPTION | {"if-match", "if-none-match", "x-amz-checksum-type", "x-amz-mp-object-size"},
        max_body_bytes=MAX_DOCUMENT_BYTES,
    ),
    S3Operation("AbortMultipartUpload", "DELETE", "object", {"uploadId": None}),
    S3Operation("ListParts", "GET", "object", {"uploadId": None}, frozenset({"max-parts", "part-number-marker"})),
)


@dataclass(frozen=True, slots=True)
class S3Call:
    """An operation that is allowed, with the parameters and headers that reach ministack."""

    operation: S3Operation
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def s3_call(request: Request, signed_headers: frozenset[str], *, presigned: bool) -> S3Call:
    """Recognise the operation of a request to S3; raises `RequestRefused` for any that is not allowed."""
    target, path = _target(request.path)
    query, header_parameters = _parameters(request, presigned=presigned)
    operation = next((o for o in S3_OPERATIONS if _matches(o, request.method, target, query)), None)
    if operation is None or (presigned and not operation.presigned):
        raise access_denied("This operation is not available here.")
    headers = _headers(request, operation, header_parameters)
    if not presigned and (unsigned := sorted(headers.keys() - signed_headers)):
        raise access_denied(f"The signature does not cover {', '.join(unsigned)}.")
    return S3Call(operation, path, {name: query[name] for name in query if name != "x-id"}, headers)


def sqs_action(request: Request) -> str:
    """Recognise the action of a request to SQS; raises `RequestRefused` for any that is not allowed."""
    match = _SQS_TARGET.fullmatch(request.headers.get("x-amz-target", ""))
    if (
        match is None
        or match[1] not in SQS_ACTIONS
        or (request.method, request.raw_path, request.raw_query) != ("POST", "/", "")
        or request.headers.get("content-type") != "application/x-amz-json-1.0"
    ):
        raise access_denied("This operation is not available here.")
    return match[1]


def check_notification(document: bytes) -> None:
    """Refuse a notification to anything but queues: other services of ministack are not to be reached that way."""
    try:
        root = ElementTree.fromstring(document)
    except (ElementTree.ParseError, ValueError) as error:
        raise RequestRefused(400, "MalformedXML", "The settings are not well-formed.") from error
    if any(child.tag.rpartition("}")[2] != "QueueConfiguration" for child in root):
        raise access_denied("Only queues can be notified.")


def _target(path: str) -> tuple[_Target, str]:
    bucket, slash, key = path[1:].partition("/")
    if not bucket and not slash:
        return "service", "/"
    if not _BUCKET_NAME.fullmatch(bucket):
        raise access_denied("This operation is not available here.")
    return ("object", path) if key else ("bucket", f"/{bucket}")


def _parameters(request: Request, *, presigned: bool) -> tuple[dict[str, str], dict[str, str]]:
    if not presigned:
        return dict(request.query), {}
    # A signature in the address may take headers with it.
    query: dict[str, str] = {}
    header_parameters: dict[str, str] = {}
    for name, value in request.query.items():
        header = name.lower()
        if name in QUERY_NAMES:
            continue
        if header in _OWN_HEADERS or header in header_parameters:
            raise RequestRefused(400, "InvalidRequest", f"The parameter {name} is not supported.")
        if header.startswith("x-amz-"):
            header_parameters[header] = value
        else:
            query[name] = value
    return query, header_parameters


def _matches(operation: S3Operation, method: str, target: _Target, query: Mapping[str, str]) -> bool:
    return (
        operation.method == method
        and operation.target == target
        and query.keys() >= operation.selector.keys()
        and all(value in {None, query[name]} for name, value in operation.selector.items())
        and query.keys() <= operation.selector.keys() | operation.options | {"x-id"}
        and query.get("x-id", operation.name) == operation.name
    )


def _headers(request: Request, operation: S3Operation, header_parameters: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in [*request.headers.items(), *header_parameters.items()]:
        if name in operation.headers or (name.startswith(_META) and _META in operation.headers):
            if name in headers:
                raise RequestRefused(400, "InvalidRequest", f"The header {name} occurs twice.")
            headers[name] = value
        elif name.startswith("x-amz-") and name not in _OWN_HEADERS:
            # To leave it out would make another operation of it, as with x-amz-copy-source.
            raise RequestRefused(501, "NotImplemented", f"The header {name} is not supported.")
    if (encoding := aws_chunked.content_encoding(headers.pop("content-encoding", ""))) is not None:
        headers["content-encoding"] = encoding
    return headers
