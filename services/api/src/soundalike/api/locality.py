"""Where a request comes from: which names the API answers to, whose page sent it, and whether it is *local*."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from soundalike.api.peer_address import is_loopback, parse_address

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Scope

EVERY: Final = "*"
"""Every name, or every page."""

_LOCAL_NAME: Final = "localhost"
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,254}))(?::[0-9]{0,5})?", re.ASCII)

# Every proxy has names of its own for the address that it forwards for: X-Forwarded-For, X-Real-IP, True-Client-IP.
_FORWARDING_HEADER: Final = re.compile(
    r"^(?:via|cdn-loop|proxy)\Z|forward|^(?:cf-|x-original-|x-envoy-|x-proxy)"
    r"|(?:^|-)(?:real|client|connecting|connection|remote|source|user)-?(?:ip|host|addr|address)\Z"
)

_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Of `Sec-Fetch-Site`: our own page, and a person who typed the address."""


@lru_cache(maxsize=256)
def host_name(header: str) -> str | None:
    """Return the name or IP address in a `Host` header in one form; None for what is neither.

    The form: lower case, without port, brackets and the dot at the end of a full name.
    """
    match = _HOST.fullmatch(header)
    if match is None:
        return None
    if match[1] is not None:
        address = parse_address(match[1])
        return str(address) if address else None
    name = match[2].lower().removesuffix(".")
    address = parse_address(name)
    return str(address) if address else name or None


@dataclass(frozen=True, slots=True)
class Locality:
    """The rules of one API: it answers to `hosts`, None for every name; pages of `origins` may call it.

    IP addresses and `localhost` are answered always. They cannot be made to point here by whoever owns a name, as
    in DNS rebinding, where a web page reads this API under the page's own name.
    """

    hosts: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()

    def unknown_host(self, headers: Headers) -> str | None:
        """Return the name that a request calls the API by if that is none of its own, else None."""
        names = headers.getlist("host")
        # HTTP/1.0 has none; a browser always sends one.
        if not names or self.hosts is None:
            return None
        name = host_name(names[0]) if len(names) == 1 else None
        if name and (name == _LOCAL_NAME or name in self.hosts or parse_address(name)):
            return None
        return name or "(not a name)"

    def is_foreign_page(self, headers: Headers, *, strict: bool = False) -> bool:
        """Tell whether a browser sends a request for a page that is neither ours nor one of `origins`.

        With `strict` the page has to be named: `*` in `origins` is not enough, and a `Referer` counts as well.
        """
        origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
        if len(origins) > 1 or len(sites) > 1:
            return True
        if origins and (origins[0] in self.origins or (EVERY in self.origins and not strict)):
            return False
        host = headers.get("host", "").lower()
        if origins and (not host or origins[0].lower().partition("://")[2] != host):
            return True
        if sites and sites[0].lower() not in _OWN_SITES:
            return True
        return strict and any(_authority(each) != host for each in headers.getlist("referer"))

    def is_local(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether a request comes from the person at this machine, who needs no key.

        It does if the peer's address is loopback, `Host` is a name of this machine, no proxy has forwarded it, and no
        page but our own sent it. HTTP/1.0 counts as forwarded: it is what nginx speaks by itself, without a header.
        """
        client, hosts = scope.get("client"), headers.getlist("host")
        if client is None or not is_loopback(client[0]) or len(hosts) != 1 or scope.get("http_version") == "1.0":
            return False
        name = host_name(hosts[0])
        if name is None or not (name == _LOCAL_NAME or is_loopback(name)):
            return False
        if any(_FORWARDING_HEADER.search(each) for each in headers):
            return False
        return not self.is_foreign_page(headers, strict=True)


def _authority(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
