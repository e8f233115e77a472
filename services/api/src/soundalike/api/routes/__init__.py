"""The addresses of the API, one module for each group of them."""

from typing import Final

from fastapi import APIRouter

from soundalike.api.routes import catalogue, health, recommendation, search, tracks, uploads, users

ROUTERS: Final[tuple[APIRouter, ...]] = (
    recommendation.router,
    uploads.router,
    search.router,
    catalogue.router,
    tracks.router,
    users.router,
    health.router,
)
"""In this order they are asked whether an address is theirs."""
