"""What every answer tells a browser, and the documentation from our own files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from soundalike.api.security_headers import NO_CONTENT_POLICY, POLICIES

from .conftest import urn
from .test_uploads import AUDIO

if TYPE_CHECKING:
    import httpx

PAGES: Final = ("/", "/docs", "/redoc")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/", 200),
        ("GET", "/page/app.js", 200),
        ("GET", "/page/nothing.js", 404),
        ("GET", "/docs", 200),
        ("HEAD", "/docs", 200),
        ("GET", "/docs/swagger-ui-bundle.js", 200),
        ("GET", "/redoc", 200),
        ("GET", "/tracks", 200),
        ("GET", "/nothing", 404),
        ("GET", f"/recommend?track={urn(77)}", 404),
        ("GET", "/recommend?n=0", 422),
        ("DELETE", "/recommend", 405),
        ("OPTIONS", "/recommend", 405),
        ("POST", "/recommend", 415),
    ],
)
async def test_every_answer_has_them(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    for name, value in POLICIES.items():
        assert len(answer.headers.get_list(name)) == 1, name
        if path not in PAGES:
            assert answer.headers[name] == value
    assert "server" not in answer.headers


async def test_so_have_answers_of_the_middleware(client: httpx.AsyncClient) -> None:
    tag = (await client.get("/tracks")).headers["etag"]
    answers = [
        await client.get("/tracks", headers={"If-None-Match": tag}),
        await client.get("/healthz", headers={"Host": "evil.example"}),
        await client.put("/tracks/x", headers={"Origin": "https://evil.example"}),
        await client.put("/tracks/x", headers={"Via": "1.1 proxy"}),
        await client.request("GET", "/healthz", content=b"x" * 70_000),
        await client.post("/recommend", content=bytes(12_000_001), headers=AUDIO),
        await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"}),
    ]
    assert [answer.status_code for answer in answers] == [304, 421, 403, 401, 413, 413, 200]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in POLICIES} == POLICIES


async def test_an_error_of_the_program_has_them(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("soundalike.api.platform_connection.PlatformConnection.probe", fails)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.headers["content-security-policy"]) == (500, NO_CONTENT_POLICY)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_load_nothing_from_elsewhere_and_has_no_script_inside(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "//" not in answer.text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|<style|style=", answer.text)
    files = re.findall(r'(?:src|href|spec-url)="(?!data:)([^"]+)"', answer.text)
    assert len(files) >= 3
    for file in files:
        assert not file.startswith("/"), "a prefix that a proxy takes away would be missing"
        loaded = await client.get(f"/{file}")
        assert (loaded.status_code, bool(loaded.content)) == (200, True)


async def test_there_are_no_other_files(client: httpx.AsyncClient) -> None:
    for name in (
        "docs.html",
        "index.html",
        "vendor/lit-html/LICENSE",
        "favicon.png",
        "..%2fapp.py",
        "../routes/docs.py",
        "%2e%2e/app.py",
        "",
    ):
        assert (await client.get(f"/docs/{name}")).status_code in {307, 404}, name
        assert (await client.get(f"/page/{name}")).status_code in {307, 404}, name
