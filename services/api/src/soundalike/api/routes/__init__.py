"""The routes of the API, one module for each group of addresses."""

from typing import Final

from fastapi import APIRouter

from soundalike.api.routes import (
    audio,
    catalogue,
    crawls,
    dead_letters,
    docs,
    health,
    page,
    random_tracks,
    recommendation,
    search,
    status,
    tracks,
    uploads,
    users,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    recommendation.router,
    uploads.router,
    search.router,
    random_tracks.router,
    catalogue.router,
    tracks.router,
    users.router,
    status.router,
    dead_letters.router,
    crawls.router,
    audio.router,
    health.router,
    docs.router,
    page.router,
)
"""In the order in which they are matched."""
