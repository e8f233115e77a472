"""Liveness and readiness."""

from fastapi import APIRouter, Depends, Request

from soundalike.api import openapi_examples, problems
from soundalike.api.errors import SnapshotUnavailable
from soundalike.api.routes.dependencies import PlatformDep, accept_only
from soundalike.api.schemas.health import Health, Readiness
from soundalike.api.schemas.recommendation import IndexInfo
from soundalike.errors import DatabaseUnavailable

router = APIRouter()


@router.get(
    "/healthz",
    summary="Liveness",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(openapi_examples.ALIVE, openapi_examples.UNKNOWN_PARAMETER),
)
async def healthz() -> Health:
    """Return 200 while the process is alive; nothing else is checked."""
    return Health()


@router.get(
    "/readyz",
    summary="Readiness",
    dependencies=[Depends(accept_only())],
    responses=openapi_examples.responses(
        openapi_examples.READY, openapi_examples.UNKNOWN_PARAMETER, openapi_examples.DATABASE_UNAVAILABLE
    ),
)
async def readyz(platform: PlatformDep, request: Request) -> Readiness:
    """Return 200 if requests are answered, because the database answers and an index is loaded, else 503.

    `missing` says what is missing. Without the bucket or a queue an index that is loaded goes on answering: that is 200
    and `degraded`.
    """
    missing: dict[str, str] = {}
    try:
        await platform.probe()
    except DatabaseUnavailable as error:
        missing["database"] = str(error)
    try:
        snapshot = platform.snapshot()
    except SnapshotUnavailable as error:
        missing["space"] = str(error)
    degraded = await platform.problems()
    # Asked last: a signal that comes while the others answer must not end in 200 over a connection that is closed.
    if request.app.state.draining:
        missing["process"] = "the process is shutting down"
    if missing:
        raise problems.not_serving({**missing, **degraded})
    return Readiness(status="degraded" if degraded else "ready", index=IndexInfo.of(snapshot), missing=degraded)
