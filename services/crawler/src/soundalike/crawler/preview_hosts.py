"""The hosts that previews may be fetched from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = re.compile(
    r"(?:\*\.(?=[a-z0-9-]+\.[a-z]))?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(?::\d{1,5})?"
)


@dataclass(frozen=True, slots=True)
class HostList:
    """Hosts by name, `host` or `host:port`; without a port only the usual ones are meant.

    `*.dzcdn.net` stands for every host below that domain, but not for the domain.
    """

    hosts: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> HostList:
        """Read names between commas; raises ValueError for what is none."""
        names = [name.strip().lower() for name in text.split(",") if name.strip()]
        for name in names:
            if not _HOST.fullmatch(name):
                raise ValueError(f"{name!r} is no host; expected names between commas, such as p.scdn.co")
        return cls(frozenset(names))

    def with_host(self, host: str) -> HostList:
        """Return the list with one more host."""
        return HostList(self.hosts | {host})

    def allows(self, address: str) -> bool:
        """Tell whether an address is http or https and on the list."""
        host = host_of(address)
        return host in self.hosts or any(
            host.endswith(name.removeprefix("*")) for name in self.hosts if name.startswith("*.")
        )

    def __str__(self) -> str:
        return ",".join(sorted(self.hosts))


def without_query(address: str) -> str:
    """Return an address as it may be shown: what stands behind the path is often a key to it."""
    return address.partition("?")[0].partition("#")[0]


def host_of(address: str) -> str:
    """Return the `host` or `host:port` of a web address in lower case, or "" for anything else."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if host is None or parts.scheme not in {"http", "https"} or parts.username is not None:
        return ""
    name = f"[{host}]" if ":" in host else host
    return name if port in {None, 443 if parts.scheme == "https" else 80} else f"{name}:{port}"


def is_at(address: str, domain: str) -> bool:
    """Tell whether a web address lies in a domain."""
    host = urlsplit(address).hostname or ""
    return host == domain or host.endswith(f".{domain}")


def preview_hosts(named: str, api_url: str, *, official: str) -> HostList:
    """Return the hosts that are named, and that of a stand-in for the service at `official` if one is set."""
    hosts = HostList.parse(named)
    return hosts if is_at(api_url, official) else hosts.with_host(host_of(api_url))
