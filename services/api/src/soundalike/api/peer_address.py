"""The address at the other end of a connection: this machine's own, or of which network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# What one customer of an Internet provider gets; all of its addresses belong to one caller.
_IPV6_PREFIX = 64


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address of a text, an IPv4 one where IPv6 wraps it; None for what is no address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(text: str | None) -> bool:
    """Tell whether a text is an address of this machine that no network reaches."""
    address = parse_address(text) if text else None
    return address is not None and address.is_loopback


def caller_network(text: str | None) -> str:
    """Return what all addresses of one caller have in common: the IPv4 address, or the IPv6 network of /64."""
    address = parse_address(text) if text else None
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address or "unknown")
