from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.utils import percent_encode, percent_encode_sequence
from hypothesis import assume, given
from hypothesis import strategies as st

from soundalike.local.store.refusal import RequestRefused
from soundalike.local.store.request import Request, parse
from soundalike.local.store.signature import Credentials, read_claim, verify

KEYS = Credentials("LOCALKEY", "a secret of somebody")
HOST = "127.0.0.1:4566"

# What XML and SQL accept, without control characters; no segments of dots, which are refused.
keys = (
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)
    .filter(lambda key: not {".", ".."} & set(key.split("/")))
    .filter(lambda key: len(key.encode()) < 900)
)
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
queries = st.dictionaries(
    words.filter(lambda word: not word.lower().startswith("x-amz-")), words | st.just(""), max_size=4
)
# As http.client sends them.
values = st.text(st.characters(max_codepoint=0xFF, exclude_categories=("Cc",)), max_size=20).map(str.strip)
metadata = st.dictionaries(st.from_regex("[a-z][a-z0-9-]{0,10}", fullmatch=True), values, max_size=3)
methods = st.sampled_from(["GET", "PUT", "HEAD", "DELETE", "POST"])


def as_received(request: AWSRequest) -> dict[str, Any]:
    """What the server makes of a request that botocore signed."""
    parts = urlsplit(request.url)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    return {
        "method": request.method,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [*headers, (b"host", HOST.encode())],
    }


def signed(method: str, key: str, query: dict[str, str], meta: dict[str, str], *, presigned: bool) -> AWSRequest:
    encoded = percent_encode_sequence(query)
    url = f"http://{HOST}/bucket/{percent_encode(key, safe='/~')}" + (f"?{encoded}" if encoded else "")
    request = AWSRequest(method, url, {f"x-amz-meta-{name}": value for name, value in meta.items()}, b"body")
    keys = BotocoreCredentials(KEYS.access_key_id, KEYS.secret_access_key)
    auth = S3SigV4QueryAuth(keys, "s3", "us-east-1", 60) if presigned else S3SigV4Auth(keys, "s3", "us-east-1")
    if presigned:
        request.data = b""
    auth.add_auth(request)
    return request


def accept(scope: dict[str, Any]) -> Request:
    request = parse(scope)
    verify(request, read_claim(request, KEYS, datetime.now(UTC)), KEYS)
    return request


@given(methods, keys, queries, metadata, st.booleans())
def test_what_botocore_signs_is_accepted_and_read_as_it_was_meant(
    method: str, key: str, query: dict[str, str], meta: dict[str, str], presigned: bool
) -> None:
    request = accept(as_received(signed(method, key, query, meta, presigned=presigned)))
    assert request.path == f"/bucket/{key}"
    assert {name: value for name, value in request.query.items() if not name.startswith("X-Amz-")} == query


@given(methods, keys, queries, metadata, st.booleans(), st.data())
def test_what_was_changed_after_signing_is_refused(
    method: str, key: str, query: dict[str, str], meta: dict[str, str], presigned: bool, data: st.DataObject
) -> None:
    scope = as_received(signed(method, key, query, meta, presigned=presigned))
    part = data.draw(st.sampled_from(["method", "raw_path", "query_string", "headers"]))
    changed = dict(scope)
    if part == "method":
        changed["method"] = data.draw(methods)
    elif part == "headers":
        index = data.draw(st.integers(0, len(scope["headers"]) - 1))
        name, value = scope["headers"][index]
        other = data.draw(st.binary(max_size=5).filter(lambda other: other.split() != value.split()))
        changed["headers"] = [*scope["headers"][:index], (name, other), *scope["headers"][index + 1 :]]
        assume(b" ".join(other.split()) != b" ".join(value.split()))
    else:
        index = data.draw(st.integers(0, len(scope[part])))
        byte = data.draw(st.integers(0x21, 0x7E))
        changed[part] = scope[part][:index] + bytes([byte]) + scope[part][index:]
        # An empty value is one whether or not an equals sign says so.
        assume(not (part == "query_string" and byte == ord("=")))
    assume(changed != scope)
    with pytest.raises(RequestRefused):
        accept(changed)


@given(keys, st.text(min_size=1, max_size=40).filter(lambda secret: secret != KEYS.secret_access_key), st.booleans())
def test_another_secret_signs_nothing(key: str, secret: str, presigned: bool) -> None:
    request = parse(as_received(signed("GET", key, {}, {}, presigned=presigned)))
    claim = read_claim(request, KEYS, datetime.now(UTC))
    assume(secret.encode("utf-8", "ignore").decode() == secret)
    with pytest.raises(RequestRefused, match="not the one"):
        verify(request, claim, Credentials(KEYS.access_key_id, secret))


def test_the_example_of_aws_is_verified() -> None:
    """GET Object, from https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html."""
    example = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    scope = {
        "method": "GET",
        "raw_path": b"/test.txt",
        "query_string": b"",
        "headers": [
            (b"host", b"examplebucket.s3.amazonaws.com"),
            (b"range", b"bytes=0-9"),
            (b"x-amz-content-sha256", b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"x-amz-date", b"20130524T000000Z"),
            (b"authorization", authorization.encode()),
        ],
    }
    request = parse(scope)
    verify(request, read_claim(request, example, datetime(2013, 5, 24, tzinfo=UTC)), example)
    with pytest.raises(RequestRefused, match="15 minutes"):
        read_claim(request, example, datetime.now(UTC))


def test_the_secret_is_in_no_message() -> None:
    assert KEYS.secret_access_key not in repr(KEYS)
