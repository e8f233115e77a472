"""The FastAPI application, put together."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from soundalike.api import exception_handlers
from soundalike.api.index_cache import IndexCache
from soundalike.api.keyring import Keyring
from soundalike.api.locality import Locality
from soundalike.api.metrics import Metrics
from soundalike.api.middleware.auth import AccessRules, AuthMiddleware
from soundalike.api.middleware.deadline import DeadlineMiddleware
from soundalike.api.middleware.errors import ProblemMiddleware
from soundalike.api.middleware.etag import EtagMiddleware
from soundalike.api.middleware.head import HeadMiddleware
from soundalike.api.middleware.request_log import HEADER as REQUEST_ID_HEADER
from soundalike.api.middleware.request_log import RequestLogMiddleware
from soundalike.api.middleware.security_headers import SecurityHeadersMiddleware
from soundalike.api.multiprocess_metrics import MultiprocessMetrics
from soundalike.api.offload import Offloader
from soundalike.api.openapi import DocumentedApi
from soundalike.api.path_access import PathAccess
from soundalike.api.platform_connection import POLL_S, PlatformConnection
from soundalike.api.platform_queues import PlatformQueues, QueuePair
from soundalike.api.rate_limit import RateLimiter
from soundalike.api.recommender import Recommender
from soundalike.api.resource_probe import ResourceProbe
from soundalike.api.routes import ROUTERS
from soundalike.api.routes import metrics as metrics_route
from soundalike.api.seed_resolver import SeedResolver
from soundalike.api.settings import Access, ApiSettings, MetricsAccess
from soundalike.api.snapshot_refresher import SnapshotRefresher
from soundalike.api.status_feed import StatusFeed
from soundalike.api.taste_refresher import TasteRefresher
from soundalike.api.tracing import Tracing
from soundalike.api.transcoder import Transcoder
from soundalike.api.upload_spool import UploadSpool
from soundalike.api.uploads import UploadExtractor
from soundalike.provisioning.inspection import Inspector
from soundalike.storage.object_store import ObjectStore, S3Store

_DESCRIPTION: Final = (
    "Give it a track, and it returns the tracks that sound similar. Errors are problem details (RFC 9457) in "
    "`application/problem+json`; those with a `Retry-After` header are temporary. Every response has an "
    "`X-Request-ID`, your own if you send one."
)

_MAX_BODY_BYTES: Final = 64 * 1024
"""The largest body of a request; the route that takes files has a limit of its own."""

_MIN_COMPRESSED_BYTES: Final = 1_000
# Higher levels take several times as long for a few percent.
_COMPRESSION_LEVEL: Final = 5


def create_app(
    settings: ApiSettings,
    store: ObjectStore | None = None,
    *,
    look_at_resources: Callable[[], Mapping[str, str]] | None = None,
    poll_s: float = POLL_S,
    multiprocess: MultiprocessMetrics | None = None,
    queue_pair: QueuePair | None = None,
) -> DocumentedApi:
    """Put the application together; `store` replaces the bucket that the settings name.

    `look_at_resources` replaces the look at bucket and queues for `/readyz` (`provisioning.inspection`), which is left
    out with a `store`.
    `multiprocess` holds the metrics of all workers where there are several. `queue_pair` replaces the queues that the
    settings name; with a `store` and without it there are none.
    """
    locality = Locality(settings.hosts, frozenset(settings.cors_origins))
    rules = AccessRules(settings.api_reads, settings.writes, settings.metrics, locality)
    keyring, metrics = Keyring(), Metrics(multiprocess)
    tracing = Tracing(settings.otel_exporter_otlp_endpoint)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(tracing.run())
            directory = settings.api_cache_dir or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="soundalike-api-"))
            )
            objects = store or S3Store.connect(settings)
            snapshots = SnapshotRefresher(IndexCache(directory, objects))
            platform = PlatformConnection(
                settings.database_url,
                snapshots,
                TasteRefresher(directory, objects),
                ResourceProbe(look_at_resources or (Inspector(settings).problems if store is None else dict)),
                poll_s=poll_s,
            )
            app.state.platform = await stack.enter_async_context(platform.run())
            offloader = Offloader()
            app.state.seed_resolver = SeedResolver(offloader)
            app.state.recommender = Recommender(offloader)
            app.state.transcoder = Transcoder()
            app.state.upload_spool = UploadSpool(directory / "uploads")
            app.state.upload_extractor = UploadExtractor(platform, objects)
            queues = PlatformQueues(settings if store is None else None, queue_pair)
            app.state.queues = queues
            app.state.status_feed = StatusFeed(platform, queues, lambda: app.state.draining)
            stack.push_async_callback(app.state.status_feed.close)
            await stack.enter_async_context(keyring.run(platform))
            yield

    app = DocumentedApi(
        title="Soundalike",
        version="0.1.0",
        description=_DESCRIPTION,
        lifespan=lifespan,
        telemetry=tracing.telemetry(),
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        # The first is the outermost: logging, metrics and CORS headers apply to refused requests too.
        middleware=[
            Middleware(RequestLogMiddleware, metrics=metrics.requests),
            Middleware(SecurityHeadersMiddleware),
            Middleware(HeadMiddleware),
            *_cors_middleware(settings),
            Middleware(GZipMiddleware, minimum_size=_MIN_COMPRESSED_BYTES, compresslevel=_COMPRESSION_LEVEL),
            Middleware(EtagMiddleware, private=settings.api_reads is not Access.OPEN),
            Middleware(ProblemMiddleware),
            Middleware(DeadlineMiddleware),
            Middleware(
                AuthMiddleware, rules=rules, keyring=keyring, rate_limiter=RateLimiter(settings.api_writes_per_minute)
            ),
        ],
    )
    app.access_rules = rules
    app.state.path_access = PathAccess(locality, keyring)
    app.state.metrics = metrics
    app.state.embeds = settings.page_embeds
    app.state.draining = False
    routers = ROUTERS if settings.metrics is MetricsAccess.OFF else (*ROUTERS, metrics_route.router)
    for router in routers:
        app.include_router(router, max_body_size=_MAX_BODY_BYTES)
    exception_handlers.install(
        app, [route for router in routers for route in router.routes if isinstance(route, Route)]
    )
    return app


def _cors_middleware(settings: ApiSettings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    # Keys come in a header that a page has to know, never in cookies: no credentials, whatever the origins.
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", REQUEST_ID_HEADER],
            expose_headers=["ETag", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID_HEADER],
        )
    ]
