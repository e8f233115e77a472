"""Traces, as a collector gets them."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from soundalike.api.app import create_app
from soundalike.settings import EX_CONFIG, load
from soundalike.testing.wait import eventually

from .conftest import Platform, is_ready, serving, urn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.api.settings import ApiSettings


class Collector(HTTPServer):
    """Takes OTLP over HTTP, on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Intake)
        self.received: list[tuple[str, ExportTraceServiceRequest]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> dict[str, dict[str, str]]:
        return {
            span.name: {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}
            for _, request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


class Intake(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Collector)
        self.server.received.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield collector
    collector.shutdown()
    thread.join()
    collector.server_close()


@pytest.fixture(autouse=True)
def uncompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def test_a_request_is_a_trace_and_neither_a_health_check_nor_a_signed_link_is(
    platform: Platform, settings: ApiSettings, collector: Collector
) -> None:
    await platform.add(0)
    traced = settings.model_copy(update={"otel_exporter_otlp_endpoint": collector.url})
    async with serving(create_app(traced, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        assert (await client.get(f"/tracks/{urn(0)}", headers=parent)).status_code == 200
        assert (await client.get("/audio/x?signature=secret", headers=parent)).status_code >= 400
    assert {path for path, _ in collector.received} == {"/v1/traces"}
    spans = collector.spans()
    assert spans["GET /tracks/{urn}"]["http.response.status_code"] == "200"
    assert not [name for name in spans if "readyz" in name]
    assert "secret" not in str(collector.received)
    resources = [resource for _, request in collector.received for resource in request.resource_spans]
    named = {each.key: each.value.string_value for each in resources[0].resource.attributes}
    assert named["service.name"] == "soundalike-api"
    results = {span.trace_id.hex() for resource in resources for scope in resource.scope_spans for span in scope.spans}
    assert results == {"0af7651916cd43dd8448eb211c80319c"}


async def test_a_collector_that_is_away_costs_no_answer(platform: Platform, settings: ApiSettings) -> None:
    await platform.add(0)
    traced = settings.model_copy(update={"otel_exporter_otlp_endpoint": "http://127.0.0.1:1"})
    async with serving(create_app(traced, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        assert (await client.get(f"/tracks/{urn(0)}")).status_code == 200


def test_without_a_collector_nothing_of_it_is_loaded(settings: ApiSettings) -> None:
    program = """
import sys
from pydantic import SecretStr
from soundalike.api.app import create_app
from soundalike.api.settings import ApiSettings
create_app(ApiSettings(database_url=SecretStr("postgresql://user:of-my-own@localhost/db"), s3_bucket="bucket"))
print(*sys.modules, sep="\\n")
"""
    messages = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not [name for name in messages if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]


@pytest.mark.parametrize("address", ["collector:4317", "grpc://collector", "http://"])
def test_what_is_no_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    from soundalike.api.settings import ApiSettings

    monkeypatch.setenv("DATABASE_URL", "postgresql://user:of-my-own@localhost/db")
    monkeypatch.setenv("S3_BUCKET", "bucket")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    with pytest.raises(SystemExit) as ended:
        load(ApiSettings)
    assert ended.value.code == EX_CONFIG
    assert "OTEL_EXPORTER_OTLP_ENDPOINT: expected" in capsys.readouterr().err
