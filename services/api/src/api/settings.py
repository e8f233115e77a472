"""Settings of the API, read from the environment."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from catalog.settings import DatabaseSettings, StoreSettings


def _host(value: str) -> str:
    if value == "localhost":
        return value
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError(
            "expected an IP address of this machine to listen on: 127.0.0.1 for this machine only, "
            "0.0.0.0 for every network it is in"
        ) from None


def _cache_dir(value: Path | None) -> Path | None:
    # Old versions are removed below it, so a place that holds other things of value is refused.
    if value is not None and (not value.is_absolute() or value in {Path("/"), Path.home()}):
        raise ValueError("expected the absolute path of a directory of its own for index versions, or nothing")
    return value


class ApiSettings(DatabaseSettings, StoreSettings):
    """Where the API listens, and where it keeps the index version that it has mapped into memory."""

    api_host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    api_cache_dir: Annotated[Path | None, AfterValidator(_cache_dir)] = None
