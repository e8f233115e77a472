"""Signed chunks, by the examples that AWS publishes.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.local.store import aws_chunked
from soundalike.local.store.body import receive_verified
from soundalike.local.store.refusal import RequestRefused
from soundalike.local.store.request import parse
from soundalike.local.store.signature import Credentials, read_claim, verify

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
CONTENT = b"a" * (65 * 1024)
SIGNED = {
    "seed": "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "chunks": [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ],
}
WITH_TRAILER = {
    "seed": "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "chunks": [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
    "trailer": b"x-amz-checksum-crc32c:sOO8/Q==\n\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
}


def _scope(example: dict[str, Any]) -> dict[str, Any]:
    trailer = "trailer" in example
    headers = {
        "content-encoding": "aws-chunked",
        "content-length": "66824",
        "host": "s3.amazonaws.com",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else ""),
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    if trailer:
        del headers["content-length"]
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    names = ";".join(sorted(headers))
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={KEYS.access_key_id}/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={names},Signature={example['seed']}"
    )
    return {
        "method": "PUT",
        "raw_path": b"/examplebucket/chunkObject.txt",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


def _body(example: dict[str, Any]) -> bytes:
    parts = [CONTENT[: 64 * 1024], CONTENT[64 * 1024 :], b""]
    chunks = [
        f"{len(part):x};chunk-signature={signature}\r\n".encode() + part + (b"\r\n" if part else b"")
        for part, signature in zip(parts, example["chunks"], strict=True)
    ]
    return b"".join(chunks) + example.get("trailer", b"\r\n")


async def _receive(scope: dict[str, Any], body: bytes, size: int = 10_000) -> tuple[bytes, dict[str, str]]:
    request = parse(scope)
    key = verify(request, read_claim(request, KEYS, datetime(2013, 5, 24, tzinfo=UTC)), KEYS)
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    spool, trailers = await receive_verified(request, key, receive, 1_000_000)
    content = spool.read()
    spool.close()
    return content, dict(trailers)


@pytest.mark.parametrize("size", [1_000_000, 10_000, 1])
async def test_signed_chunks_are_verified(size: int) -> None:
    assert await _receive(_scope(SIGNED), _body(SIGNED), size) == (CONTENT, {})


@pytest.mark.parametrize("size", [1_000_000, 10_000, 1])
async def test_signed_trailers_are_verified(size: int) -> None:
    expected = {"x-amz-checksum-crc32c": "sOO8/Q=="}
    assert await _receive(_scope(WITH_TRAILER), _body(WITH_TRAILER), size) == (CONTENT, expected)


def _cut(body: bytes, example: dict[str, Any]) -> bytes:
    return body[: body.index(b"0;chunk-signature")]


CHANGES: dict[str, Callable[[bytes, dict[str, Any]], bytes]] = {
    "another byte": lambda body, _: body.replace(b"aaa\r\n", b"aab\r\n", 1),
    "another signature": lambda body, example: body.replace(example["chunks"][1].encode(), b"0" * 64),
    "chunks in another order": lambda body, example: (
        _cut(body, example)[65536 + 85 + 5 :] + body[: 65536 + 85 + 5] + body[len(_cut(body, example)) :]
    ),
    "a chunk left out": lambda body, example: body.replace(
        f"400;chunk-signature={example['chunks'][1]}\r\n".encode() + b"a" * 1024 + b"\r\n", b""
    ),
    "without the last chunk": _cut,
    "without signatures": lambda _, __: b"10400\r\n" + CONTENT + b"\r\n0\r\n\r\n",
    "more after the end": lambda body, _: body + b"x-amz-meta-a:b\r\n\r\n",
    "cut off": lambda body, _: body[:-1],
    "nothing": lambda _, __: b"",
}


@pytest.mark.parametrize("example", [SIGNED, WITH_TRAILER], ids=["chunks", "trailer"])
@pytest.mark.parametrize("change", CHANGES)
async def test_anything_else_is_refused(example: dict[str, Any], change: str) -> None:
    body = CHANGES[change](_body(example), example)
    assert body != _body(example)
    with pytest.raises(RequestRefused):
        await _receive(_scope(example), body)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"sOO8/Q==", b"AAAAAA=="),
        (b"d81f82fc", b"00000000"),
        (b"x-amz-checksum-crc32c:", b"x-amz-checksum-crc32:"),
        (b"x-amz-trailer-signature:", b"x-amz-meta-signature:"),
    ],
)
async def test_a_changed_trailer_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(RequestRefused):
        await _receive(_scope(WITH_TRAILER), _body(WITH_TRAILER).replace(old, new))


@pytest.mark.parametrize(
    ("header", "encoding"),
    [("", None), ("aws-chunked", None), ("gzip", "gzip"), ("aws-chunked,gzip", "gzip"), ("gzip, aws-chunked", "gzip")],
)
def test_the_encoding_of_the_content_is_what_else_it_says(header: str, encoding: str | None) -> None:
    assert aws_chunked.content_encoding(header) == encoding
