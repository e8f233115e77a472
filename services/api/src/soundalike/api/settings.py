"""Settings of the API, read from the environment."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from soundalike.api.locality import EVERY, host_name
from soundalike.settings import DatabaseSettings, QueueNameSettings


class Access(StrEnum):
    """Who has access: everybody who reaches the API; who is at this machine or has a key; or only who has a key."""

    OPEN = "open"
    LOCAL = "local"
    KEYED = "keyed"


class Embed(StrEnum):
    """A service whose own player the page may load, when somebody presses play on one of its tracks."""

    SPOTIFY = "spotify"
    DEEZER = "deezer"
    SOUNDCLOUD = "soundcloud"


class MetricsAccess(StrEnum):
    """Who has access to the metrics."""

    OPEN = "open"
    LOCAL = "local"
    KEYED = "keyed"
    OFF = "off"


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


def _split_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _origin(value: str) -> str:
    if value == EVERY:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("expected origins such as https://music.example.org, separated by commas, or * for every page")
    if "*" in value or "@" in parts.netloc:
        raise ValueError("name an origin in full, without a wildcard or a user; * alone allows every page")
    return value


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    if "*" in value and len(value) > 1:
        raise ValueError("* allows every page already; name origins, or * alone")
    return value


def _host_name(value: str) -> str:
    name = value if value == EVERY else host_name(value)
    # The dot at the end may be gone, and nothing else: not a port.
    if name is None or name != value.lower().removesuffix("."):
        raise ValueError("expected names such as music.example.org without a port, separated by commas, or * for all")
    return name


def _host_names(value: tuple[str, ...]) -> tuple[str, ...]:
    if EVERY in value and len(value) > 1:
        raise ValueError("* stands for every name already; name hosts, or * alone")
    return value


def _collector(value: str | None) -> str | None:
    if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
        raise ValueError("expected the address of a collector such as http://127.0.0.1:4318, or nothing")
    return value or None


def _empty_as_none(value: object) -> object:
    # Compose and env files hand an empty text on where a person left the value out.
    return None if value == "" else value


class ApiSettings(DatabaseSettings, QueueNameSettings):
    """Where the API listens, who may call it, and where it keeps the index version that it has mapped into memory."""

    api_host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    api_port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    api_workers: Annotated[int, Field(ge=1, le=64)] = 1
    api_cache_dir: Annotated[Path | None, AfterValidator(_cache_dir)] = None
    api_reads: Annotated[Access, BeforeValidator(lambda value: Access.OPEN if value == "" else value)] = Access.OPEN
    api_writes: Annotated[Access | None, BeforeValidator(_empty_as_none)] = None
    api_metrics: Annotated[MetricsAccess | None, BeforeValidator(_empty_as_none)] = None
    api_writes_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 60
    api_drain_s: Annotated[float, Field(ge=0, le=60)] = 0
    api_max_connections: Annotated[int, Field(ge=16, le=100_000)] = 1_000
    api_allowed_hosts: Annotated[
        tuple[Annotated[str, AfterValidator(_host_name)], ...],
        NoDecode,
        BeforeValidator(_split_commas),
        AfterValidator(_host_names),
    ] = ()
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...],
        NoDecode,
        BeforeValidator(_split_commas),
        AfterValidator(_origins),
    ] = ()
    page_embeds: Annotated[tuple[Embed, ...], NoDecode, BeforeValidator(_split_commas)] = tuple(Embed)
    otel_exporter_otlp_endpoint: Annotated[str | None, AfterValidator(_collector)] = None

    @property
    def is_loopback_only(self) -> bool:
        """Tell whether only this machine can reach the API."""
        return self.api_host == "localhost" or ip_address(self.api_host).is_loopback

    @property
    def writes(self) -> Access:
        """Who may write: where nothing is set, who is at this machine, but nobody without a key on a network."""
        return self.api_writes or (Access.LOCAL if self.is_loopback_only else Access.KEYED)

    @property
    def metrics(self) -> MetricsAccess:
        """Who may read the metrics, by the same rule."""
        return self.api_metrics or (MetricsAccess.LOCAL if self.is_loopback_only else MetricsAccess.KEYED)

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names that the API answers to, beside `localhost` and IP addresses; None for every name.

        Where nothing is set: none if only this machine can reach it, else every name.
        """
        if EVERY in self.api_allowed_hosts or not (self.api_allowed_hosts or self.is_loopback_only):
            return None
        return frozenset(self.api_allowed_hosts)
