"""What is local, and which names the API answers to."""

from __future__ import annotations

from typing import Final

import pytest
from starlette.datastructures import Headers

from soundalike.api.locality import Locality, host_name

PEER: Final = "127.0.0.1"
BROWSER: Final = {"Host": "localhost:8000", "Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8000"}
PAGE: Final = "https://music.example.org"


def is_local(
    fields: dict[str, str] | list[tuple[str, str]],
    *,
    peer: str | None = PEER,
    version: str = "1.1",
    locality: Locality | None = None,
) -> bool:
    pairs = list(fields.items()) if isinstance(fields, dict) else fields
    headers = Headers(raw=[(name.lower().encode(), value.encode()) for name, value in pairs])
    scope = {"type": "http", "client": (peer, 50_000) if peer else None, "http_version": version}
    return (locality or Locality(frozenset())).is_local(scope, headers)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8000",
        "localhost.",
        "localhost.:8000",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.1.2.3",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]:8000",
        "[::ffff:127.0.0.1]",
    ],
)
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_a_program_at_this_machine_is_local(host: str, peer: str) -> None:
    assert is_local({"Host": host}, peer=peer)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "evil.localhost",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "192.168.1.2:8000",
        "0.0.0.0",  # noqa: S104 - a name of this machine to some systems
        "[::]",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.01",
        "api",
        "localhost:port",
        "localhost@evil.example",
        "localhost, evil.example",
        "localhost/evil",
        "[::1",
        "::1",
        "[evil.example]",
        "",
        ".",
        "löcalhost",
    ],
)
def test_a_name_that_somebody_else_can_own_is_not(host: str) -> None:
    assert not is_local({"Host": host})


@pytest.mark.parametrize(
    "peer", [None, "", "192.168.1.7", "::ffff:192.168.1.7", "fe80::1%eth0", "8.8.8.8", "testclient"]
)
def test_another_machine_is_not(peer: str | None) -> None:
    assert not is_local({"Host": "localhost"}, peer=peer)


@pytest.mark.parametrize(
    "hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"], ["evil.example", "localhost"]]
)
def test_one_host_is_needed(hosts: list[str]) -> None:
    assert not is_local([("Host", host) for host in hosts])


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded",
        "X-Original-Forwarded-For",
        "X-Original-URL",
        "X-Real-IP",
        "X-Client-IP",
        "Client-IP",
        "True-Client-IP",
        "X-Cluster-Client-IP",
        "CF-Connecting-IP",
        "Fastly-Client-IP",
        "Fly-Client-IP",
        "X-Envoy-External-Address",
        "X-Remote-Addr",
        "X-ProxyUser-Ip",
        "X-Azure-ClientIP",
        "X-NF-Client-Connection-IP",
        "X-Appengine-User-IP",
        "CDN-Loop",
    ],
)
def test_what_a_proxy_forwards_is_not_whatever_the_header_says(header: str) -> None:
    assert is_local({"Host": "localhost"})
    for value in ("127.0.0.1", "", "for=127.0.0.1"):
        assert not is_local({"Host": "localhost", header: value})


def test_nginx_speaks_another_version_and_adds_no_header_by_itself() -> None:
    assert not is_local({"Host": "localhost"}, version="1.0")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Sec-Fetch-Site": "none"},  # somebody typed the address
        {"Sec-Fetch-Site": "same-origin", "Referer": "http://localhost:8000/docs"},
        {"Origin": "HTTP://LOCALHOST:8000"},
    ],
)
def test_our_own_page_is_local(fields: dict[str, str]) -> None:
    assert is_local({**BROWSER, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "whatever-comes-next"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://localhost:8000.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "localhost:8000"},
        {"Referer": "https://evil.example/page"},
        {"Referer": "http://localhost:8000@evil.example/"},
        {"Referer": "http://[evil"},
        {"Referer": ""},
    ],
)
def test_another_page_is_not(fields: dict[str, str]) -> None:
    assert not is_local({**BROWSER, **fields})


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site"])
def test_two_answers_to_who_asks_are_none(name: str) -> None:
    assert not is_local([*BROWSER.items(), (name, BROWSER[name])])


def test_a_page_that_the_operator_names_is_like_our_own_but_not_every_page() -> None:
    fields = {**BROWSER, "Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
    assert is_local(fields, locality=Locality(frozenset(), frozenset({PAGE})))
    assert not is_local(fields, locality=Locality(frozenset(), frozenset({"*"})))


def test_a_name_that_the_operator_serves_is_not_local_for_all_that() -> None:
    """A proxy on this machine may pass it on without a header that gives the proxy away."""
    for hosts in (None, frozenset({"music.example.org"})):
        assert not is_local({"Host": "music.example.org"}, locality=Locality(hosts))


@pytest.mark.parametrize(
    ("hosts", "header", "unknown"),
    [
        ((), "localhost:8000", None),
        ((), "LOCALHOST.", None),
        ((), "127.0.0.1", None),
        ((), "192.168.1.2:8000", None),
        ((), "[2001:db8::1]:8000", None),
        ((), "evil.example:8000", "evil.example"),
        ((), "music.example.org", "music.example.org"),
        ((), "127.0.0.1.nip.io", "127.0.0.1.nip.io"),
        ((), "a b", "(not a name)"),
        ((), "", "(not a name)"),
        (("music.example.org",), "Music.Example.ORG.:443", None),
        (("music.example.org",), "api.music.example.org", "api.music.example.org"),
        (None, "evil.example", None),
    ],
)
def test_the_api_answers_to_its_own_names(hosts: tuple[str, ...] | None, header: str, unknown: str | None) -> None:
    locality = Locality(None if hosts is None else frozenset(hosts))
    assert locality.unknown_host(Headers({"host": header})) == unknown


def test_a_request_of_http_1_0_needs_no_name() -> None:
    assert Locality(frozenset()).unknown_host(Headers({})) is None


def test_names_have_one_form() -> None:
    assert host_name("[0:0::1]:80") == host_name("[::1]") == "::1"
    assert host_name("EXAMPLE.org.") == host_name("example.org:1") == "example.org"
