"""Short-lived links for what browsers request without a header: sound and server-sent events.

A link says who may use it, for what and until when: `expires` (Unix time), `key` (the id of an API key) and
`signature`, an HMAC with the stored digest of that key as its secret. So every process of the API makes and knows the
same links, and a key that is revoked or expires ends its links with it. It allows one address, and only reading it.
"""

from __future__ import annotations

import hmac
import math
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from soundalike.api.errors import InvalidLink

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from soundalike.api.keyring import Keyring
    from soundalike.db.api_keys import ValidKey

EXPIRES, KEY, SIGNATURE = "expires", "key", "signature"
PARAMETERS: Final = (EXPIRES, KEY, SIGNATURE)
"""What a link has in its query beside the parameters of its route."""

_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class LinkPurpose(StrEnum):
    """What a link is for."""

    AUDIO = "audio"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class LinkSubject:
    """The one thing that a link is for; `name` is the URN of a track, empty where there is only one such thing."""

    purpose: LinkPurpose
    name: str = ""


@dataclass(frozen=True, slots=True)
class SignedQuery:
    """The query of a link, and when it ends (Unix time)."""

    text: str
    expires_at: int


_PREFIXES: Final = {"/audio/": LinkPurpose.AUDIO}
_PATHS: Final = {"/status/events": LinkPurpose.STATUS}


def subject_of(path: str) -> LinkSubject | None:
    """Return what the link to a path is for; None for a path that no link leads to."""
    for prefix, purpose in _PREFIXES.items():
        if path.startswith(prefix):
            return LinkSubject(purpose, path.removeprefix(prefix))
    purpose_of_path = _PATHS.get(path)
    return None if purpose_of_path is None else LinkSubject(purpose_of_path)


def sign(key: ValidKey | None, subject: LinkSubject, *, lifetime_s: float) -> SignedQuery:
    """Return the query of a link with which the holder of a key reaches something.

    `key` is that of the request for the link (`scope.get("key")`); a caller who needs none for the request needs none
    for the link either, so that the query is empty then.
    """
    expires_at = math.ceil(time.time() + lifetime_s)
    if key is None:
        return SignedQuery("", expires_at)
    query = {EXPIRES: str(expires_at), KEY: key.id, SIGNATURE: _signature(key, subject, expires_at)}
    return SignedQuery(urlencode(query), expires_at)


def key_of(query: QueryParams, subject: LinkSubject, keyring: Keyring) -> ValidKey | None:
    """Return the key whose holder may use a link; None where there is no signature.

    Raises `InvalidLink` where the signature is not valid (any more), and `KeysUnavailable`.
    """
    values = [query.getlist(name) for name in PARAMETERS]
    if not values[-1]:
        return None
    if any(len(each) != 1 for each in values):
        raise InvalidLink("the link is incomplete")
    expires, key_id, signature = (each[0] for each in values)
    key = keyring.of_id(key_id)
    # One message for all that cannot be told apart without a valid signature.
    if key is None or not _TIME.fullmatch(expires):
        raise InvalidLink("the link was altered, or its key is no longer valid")
    expected = _signature(key, subject, int(expires))
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
        raise InvalidLink("the link was altered, or its key is no longer valid")
    if int(expires) <= time.time():
        raise InvalidLink("the link has expired")
    return key


def _signature(key: ValidKey, subject: LinkSubject, expires_at: int) -> str:
    # The name is the last part, so that none of its characters can be taken for a border.
    message = f"soundalike-link\n{subject.purpose}\n{expires_at}\n{subject.name}"
    return hmac.new(key.digest, message.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
