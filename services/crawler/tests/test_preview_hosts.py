from __future__ import annotations

import pytest

from soundalike.crawler.preview_hosts import HostList, host_of

HOSTS = HostList.parse("p.scdn.co, 127.0.0.1:8899,[::1]:80")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://p.scdn.co/mp3-preview/x?cid=1", True),
        ("http://p.scdn.co/x", True),
        ("https://P.SCDN.CO:443/x", True),
        ("http://127.0.0.1:8899/x", True),
        ("https://p.scdn.co:8443/x", False),
        ("http://127.0.0.1/x", False),
        ("http://127.0.0.1:8898/x", False),
        ("https://p.scdn.co.example.org/x", False),
        ("https://xp.scdn.co/x", False),
        ("https://p.scdn.co@example.org/x", False),
        ("https://user@p.scdn.co/x", False),
        ("ftp://p.scdn.co/x", False),
        ("file:///etc/passwd", False),
        ("//p.scdn.co/x", False),
        ("https://p.scdn.co:99999/x", False),
        ("https://[::1/x", False),
        ("", False),
    ],
)
def test_only_named_hosts_on_their_ports(address: str, allowed: bool) -> None:
    assert HOSTS.allows(address) is allowed


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://cdnt-preview.dzcdn.net/api/1/x.mp3?hdnea=exp=1", True),
        ("https://a.b.dzcdn.net/x", True),
        ("https://dzcdn.net/x", False),
        ("https://evildzcdn.net/x", False),
        ("https://x.dzcdn.net.example.org/x", False),
        ("https://x.dzcdn.net:8443/x", False),
    ],
)
def test_a_star_stands_for_every_host_below_a_domain(address: str, allowed: bool) -> None:
    assert HostList.parse("*.dzcdn.net").allows(address) is allowed


def test_a_host_is_named_with_its_port_where_that_is_unusual() -> None:
    assert host_of("https://example.org:443/x") == "example.org"
    assert host_of("http://example.org:443/x") == "example.org:443"
    assert host_of("http://[::1]:8080/x") == "[::1]:8080"


@pytest.mark.parametrize(
    "text", ["https://p.scdn.co", "p.scdn.co/x", "*.co", "*", "a.*.co", "*scdn.co", "*.[::1]", "a b", "-a.example"]
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        HostList.parse(text)
