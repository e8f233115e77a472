"""OpenTelemetry traces, if an endpoint is set; otherwise its SDK is not loaded."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from soundalike.api import signed_links
from soundalike.api.middleware.etag import UNCACHED_PATHS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger(__name__)

_OFF: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


class Tracing:
    """A span for each request and one for each step of it, sent in batches by a thread of their own (OTLP over HTTP).

    Health checks, metrics and what signed links lead to have none. The other variables of OpenTelemetry
    (OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, …) mean what its documentation says.
    """

    def __init__(self, endpoint: str | None) -> None:
        self._provider = None if endpoint is None else _provider(endpoint)

    def telemetry(self) -> TelemetryConfig:
        """Return what FastAPI, which makes the spans, is to do."""
        if self._provider is None:
            return _OFF
        return {**_OFF, "tracing": True, "tracer_provider": self._provider, "exclude": _is_untraced}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Send what is left when the block ends."""
        try:
            yield
        finally:
            if self._provider is not None:
                await asyncio.to_thread(self._provider.shutdown)


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    path = str(scope.get("path"))
    # A span holds the query, and that of a link lets in whoever reads it.
    return path in UNCACHED_PATHS or signed_links.subject_of(path) is not None


def _provider(endpoint: str) -> TracerProvider | None:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("traces are not sent: OTEL_EXPORTER_OTLP_ENDPOINT needs `pip install soundalike-api[tracing]`")
        return None
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):  # nobody has named it
        resource = resource.merge(Resource({SERVICE_NAME: "soundalike-api"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    return provider
