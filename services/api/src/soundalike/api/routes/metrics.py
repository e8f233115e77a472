"""`GET /metrics` for Prometheus."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from soundalike.api.metrics import MEDIA_TYPE, Metrics
from soundalike.api.middleware.auth import METRICS_PATH
from soundalike.api.routes.dependencies import PlatformDep, accept_only

router = APIRouter()


@router.get(METRICS_PATH, include_in_schema=False, dependencies=[Depends(accept_only())])
async def show_metrics(platform: PlatformDep, request: Request) -> Response:
    """Return the metrics as text, for a monitoring system; they are no part of the contract."""
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.exposition(platform), media_type=MEDIA_TYPE)
