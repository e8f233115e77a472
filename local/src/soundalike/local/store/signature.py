"""Signature Version 4: what a request claims, and whether botocore's signer comes to the same signature.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast

from botocore import credentials as botocore_credentials
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest

from soundalike.local.store.refusal import RequestRefused, access_denied

if TYPE_CHECKING:
    from soundalike.local.store.request import Request

Service = Literal["s3", "sqs"]

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

QUERY_NAMES = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    }
)
"""The parameters of a signature in the address."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_CLOCK_SKEW = timedelta(minutes=15)
_LONGEST_EXPIRY_S = 7 * 86_400

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<credential>[^,\s]+), ?SignedHeaders=(?P<signed>[^,\s]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_CREDENTIAL = re.compile(r"([A-Za-z0-9_-]{3,128})/(\d{8})/([a-z0-9-]{1,32})/(s3|sqs)/aws4_request")
_SIGNED_HEADERS = re.compile(r"[a-z0-9-]+(?:;[a-z0-9-]+)*")
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one pair of keys whose requests are served."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of its signature; nothing of it is proven yet.

    `payload` is the declared hash of the body; None for SQS, where none is declared.
    """

    service: Service
    region: str
    timestamp: str
    signed_headers: frozenset[str]
    signature: str
    payload: str | None
    presigned: bool

    @property
    def scope(self) -> str:
        """The scope of the signing key."""
        return f"{self.timestamp[:8]}/{self.region}/{self.service}/aws4_request"


def read_claim(request: Request, credentials: Credentials, now: datetime) -> Claim:
    """Read the claim of a request; raises `RequestRefused` where it cannot be true: another key, another day."""
    authorization, presigned = request.headers.get("authorization"), "X-Amz-Signature" in request.query
    if authorization is not None and presigned:
        raise RequestRefused(400, "InvalidArgument", "Only one way to sign a request is allowed.")
    if authorization is None and not presigned:
        raise access_denied("The request is not signed.")
    return _claim_of_query(request, credentials, now) if presigned else _claim_of_header(request, credentials, now)


def verify(request: Request, claim: Claim, credentials: Credentials, *, body_hash: str | None = None) -> SigningKey:
    """Compare the signature with our own, and return the key that signs parts of the body.

    For SQS `body_hash` is the hash of the body. Raises `RequestRefused`.
    """
    signer = _signer(claim, credentials, claim.payload if body_hash is None else body_hash)
    copy = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.raw_path}?{_signed_query(request.raw_query)}",
        headers={name: request.headers[name] for name in claim.signed_headers},
    )
    copy.context["timestamp"] = claim.timestamp
    text = signer.string_to_sign(copy, signer.canonical_request(copy))
    if not hmac.compare_digest(signer.signature(text, copy), claim.signature):
        raise RequestRefused(
            403, "SignatureDoesNotMatch", "The signature of the request is not the one that the secret key makes."
        )
    return SigningKey(claim, signer, copy)


@dataclass(slots=True)
class SigningKey:
    """The key of a verified request; signs the parts of its body, each with the signature before it."""

    claim: Claim
    _signer: SigV4Auth
    _request: AWSRequest

    def sign_chunk(self, previous: str, content_hash: str) -> str:
        """Return the signature of a chunk whose SHA-256 is `content_hash`."""
        empty = hashlib.sha256(b"").hexdigest()
        return self._sign(f"{_ALGORITHM}-PAYLOAD", previous, empty, content_hash)

    def sign_trailer(self, previous: str, content_hash: str) -> str:
        """Return the signature of the trailing headers whose SHA-256 is `content_hash`."""
        return self._sign(f"{_ALGORITHM}-TRAILER", previous, content_hash)

    def _sign(self, algorithm: str, *parts: str) -> str:
        text = "\n".join([algorithm, self.claim.timestamp, self.claim.scope, *parts])
        return str(self._signer.signature(text, self._request))


class _HashAuth(SigV4Auth):
    # botocore would hash a body that it is given; here the hash is known, and S3's own stands in a header anyway.
    def __init__(self, credentials: botocore_credentials.Credentials, service: str, region: str, payload: str) -> None:
        super().__init__(credentials, service, region)
        self._payload = payload

    def payload(self, request: AWSRequest) -> str:  # noqa: ARG002 - botocore's signature
        return self._payload


def _signer(claim: Claim, credentials: Credentials, payload: str | None) -> SigV4Auth:
    keys = botocore_credentials.Credentials(credentials.access_key_id, credentials.secret_access_key)
    if claim.presigned:
        return S3SigV4QueryAuth(keys, claim.service, claim.region)
    if claim.service == "s3":
        return S3SigV4Auth(keys, claim.service, claim.region)
    if payload is None:
        raise ValueError("a signature for SQS covers the hash of the body")
    return _HashAuth(keys, claim.service, claim.region, payload)


def _claim_of_header(request: Request, credentials: Credentials, now: datetime) -> Claim:
    match = _AUTHORIZATION.fullmatch(request.headers["authorization"])
    if match is None:
        raise RequestRefused(400, "AuthorizationHeaderMalformed", "The Authorization header is not that of AWS4.")
    region, service, day = _read_credential(match["credential"], credentials)
    timestamp = request.headers.get("x-amz-date", "")
    _check_date(timestamp, day)
    if abs(_moment(timestamp) - now) > _CLOCK_SKEW:
        raise RequestRefused(
            403, "RequestTimeTooSkewed", "The request was signed more than 15 minutes before or after now."
        )
    signed = _read_signed_headers(match["signed"], request)
    payload = request.headers.get("x-amz-content-sha256")
    if service == "s3" and payload is None:
        raise RequestRefused(400, "InvalidRequest", "The header x-amz-content-sha256 is missing.")
    return Claim(service, region, timestamp, signed, match["signature"], payload, presigned=False)


def _claim_of_query(request: Request, credentials: Credentials, now: datetime) -> Claim:
    query = request.query
    if not query.keys() >= QUERY_NAMES or query["X-Amz-Algorithm"] != _ALGORITHM:
        raise _bad_query("The address must have all parameters of a signature of AWS4-HMAC-SHA256.")
    if not re.fullmatch("[0-9a-f]{64}", query["X-Amz-Signature"]):
        raise _bad_query("X-Amz-Signature is no signature.")
    region, service, day = _read_credential(query["X-Amz-Credential"], credentials)
    if service != "s3":
        raise access_denied("Only requests to S3 can be signed in their address.")
    _check_date(query["X-Amz-Date"], day)
    expires = query["X-Amz-Expires"]
    if not re.fullmatch("[0-9]{1,6}", expires) or not 1 <= int(expires) <= _LONGEST_EXPIRY_S:
        raise _bad_query("X-Amz-Expires must be between 1 second and 7 days.")
    signed_at = _moment(query["X-Amz-Date"])
    if signed_at - now > _CLOCK_SKEW:
        raise access_denied("The address is not valid yet.")
    if now > signed_at + timedelta(seconds=int(expires)):
        raise access_denied("The address has expired.")
    signed = _read_signed_headers(query["X-Amz-SignedHeaders"], request)
    payload = request.headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD)
    return Claim(service, region, query["X-Amz-Date"], signed, query["X-Amz-Signature"], payload, presigned=True)


def _read_credential(text: str, credentials: Credentials) -> tuple[str, Service, str]:
    match = _CREDENTIAL.fullmatch(text)
    if match is None:
        raise access_denied("The credential does not name a key, a day, a region and S3 or SQS.")
    key, day, region, service = match.groups()
    if not hmac.compare_digest(key, credentials.access_key_id):
        raise RequestRefused(403, "InvalidAccessKeyId", "There is no such access key.")
    return region, cast("Service", service), day


def _check_date(timestamp: str, day: str) -> None:
    if not _TIMESTAMP.fullmatch(timestamp) or timestamp[:8] != day:
        raise access_denied("X-Amz-Date is not a time of the day in the credential.")


def _moment(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise access_denied("X-Amz-Date is not a time.") from error


def _read_signed_headers(text: str, request: Request) -> frozenset[str]:
    names = text.split(";")
    signed = frozenset(names)
    if not _SIGNED_HEADERS.fullmatch(text) or len(signed) != len(names) or not signed <= request.headers.keys():
        raise access_denied("The signed headers are not those of the request.")
    needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-") or name == "content-md5"}
    if missing := sorted(needed - signed):
        raise access_denied(f"The signature does not cover {', '.join(missing)}.")
    return signed


def _signed_query(raw: str) -> str:
    return "&".join(part for part in raw.split("&") if part.partition("=")[0] != "X-Amz-Signature")


def _bad_query(message: str) -> RequestRefused:
    return RequestRefused(400, "AuthorizationQueryParametersError", message)
