"""The environment of the platform's programs: the caller's, without what belongs to other servers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOREIGN_PREFIXES = ("AWS_", "BOTO_", "PG")

# Set by the platform or left at their defaults: the shell may hold those of another platform.
_PLATFORM_VARIABLES = frozenset({"API_HOST", "API_PORT", "DATABASE_URL", "QUEUE_NAME", "S3_BUCKET"})

_UNPROXIED_HOSTS = ("127.0.0.1", "localhost")


def neutral_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without other servers' credentials, endpoints and profiles; no proxy for ours."""
    own = {
        name: value
        for name, value in caller.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name not in _PLATFORM_VARIABLES
    }
    unproxied = ",".join(
        dict.fromkeys([*_comma_separated(own.get("no_proxy") or own.get("NO_PROXY", "")), *_UNPROXIED_HOSTS])
    )
    return {
        **own,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
        "PYTHONUNBUFFERED": "1",
    }


def _comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
