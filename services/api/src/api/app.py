"""The FastAPI application, put together."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from api import problems
from api.answers import Recommender
from api.cache import VersionCache
from api.following import Follower
from api.live import POLL_S, Live
from api.routes import router
from api.settings import ApiSettings
from catalog.store import ObjectStore, S3Store

_DESCRIPTION = (
    "Give it a track, it answers with the tracks that sound alike. Errors are problem details (RFC 9457) in "
    "`application/problem+json`; those with a `Retry-After` header go away by themselves."
)


def create_app(settings: ApiSettings, store: ObjectStore | None = None, *, poll_s: float = POLL_S) -> FastAPI:
    """Put the application together; `store` replaces the bucket that the settings name."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            directory = settings.api_cache_dir or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="soundalike-api-"))
            )
            follower = Follower(VersionCache(directory, store or S3Store.connect(settings)))
            live = Live(settings.database_url, follower, poll_s=poll_s)
            app.state.live = await stack.enter_async_context(live.running())
            app.state.recommender = Recommender()
            yield

    app = FastAPI(title="Soundalike", version="0.1.0", description=_DESCRIPTION, lifespan=lifespan)
    app.include_router(router)
    problems.install(app)
    return app
