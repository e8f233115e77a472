"""A request as it came in: one reading of its address and headers, or a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from soundalike.local.store.refusal import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

# Clients that sign percent-encode everything else. What is not in this form could be read in two ways.
_PATH = re.compile(r"/(?:[A-Za-z0-9._~/-]|%[0-9A-Fa-f]{2})*")
_QUERY_PART = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,254})(?::[0-9]{1,5})?", re.ASCII)
_LONGEST_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Request:
    """Method, address and headers: `raw_path` and `raw_query` as signed, `path` and `query` decoded.

    Names of headers are in lower case; no header and no parameter occurs twice.
    """

    method: str
    raw_path: str
    raw_query: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def parse(scope: Mapping[str, Any]) -> Request:
    """Read an ASGI scope; raises `RequestRefused` for whatever could be understood in more than one way."""
    raw_path, raw_query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return Request(
        method=scope["method"],
        raw_path=raw_path,
        raw_query=raw_query,
        path=_parse_path(raw_path),
        query=_parse_query(raw_query),
        headers=_parse_headers(scope["headers"]),
    )


def _parse_path(raw: str) -> str:
    if not _PATH.fullmatch(raw):
        raise _invalid("The address has characters that must be percent-encoded.")
    path = _decode(raw)
    # Files lie below the folder of the bucket; no program on the way may take a key for a path that leads elsewhere.
    if {".", ".."} & set(path.split("/")):
        raise _invalid("Keys with the segments '.' and '..' are not supported.")
    if len(path.encode()) > _LONGEST_KEY_BYTES:
        raise RequestRefused(400, "KeyTooLongError", f"Keys have at most {_LONGEST_KEY_BYTES} bytes.")
    return path


def _parse_query(raw: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for part in raw.split("&") if raw else []:
        name, _, value = part.partition("=")
        if not name or not _QUERY_PART.fullmatch(name) or not _QUERY_PART.fullmatch(value):
            raise _invalid("The query has characters that must be percent-encoded.")
        name = _decode(name)
        if name in query:
            raise _invalid("The query has a parameter twice.")
        query[name] = _decode(value)
    return query


def _parse_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name_bytes, value in raw:
        name = name_bytes.decode("latin-1").lower()
        if name in headers:
            raise _invalid(f"The header {name} occurs twice.")
        headers[name] = value.decode("latin-1")
    if "host" not in headers:
        raise _invalid("The header host is missing.")
    if not _is_host(headers["host"]):
        raise _invalid("The header host is not the name of a host.")
    if "content-length" in headers and "transfer-encoding" in headers:
        raise _invalid("The request names two lengths of its body.")
    return headers


def _is_host(text: str) -> bool:
    """Tell whether a text can stand in an address as its host, and as nothing else of it."""
    try:
        return _HOST.fullmatch(text) is not None and urlsplit(f"http://{text}/").hostname is not None
    except ValueError:
        return False


def _decode(encoded: str) -> str:
    try:
        text = unquote(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise _invalid("The address is not in UTF-8.") from error
    if _CONTROL_CHARACTER.search(text):
        raise _invalid("The address has control characters.")
    return text


def _invalid(message: str) -> RequestRefused:
    return RequestRefused(400, "InvalidRequest", message)
