"""Settings of the shared parts: read from the environment once, typed; unsafe values are refused by name."""

from __future__ import annotations

import re
from typing import Annotated, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from soundalike.terminal import echo

EX_CONFIG = 78
"""Exit status for invalid settings (sysexits.h); a supervisor does not restart the service."""

_WELL_KNOWN_PASSWORDS = frozenset({"", "admin", "changeme", "change-me", "example", "password", "postgres", "secret"})

S = TypeVar("S", bound=BaseSettings)


def _safe_database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or not parts.path.strip("/"):
        raise ValueError("expected postgresql://user:password@host:5432/database")
    if unquote(parts.password or "").lower() in _WELL_KNOWN_PASSWORDS:
        raise ValueError("the password is missing or well known; choose another one")
    return value


def _bucket_name(value: str) -> str:
    if not re.fullmatch(r"(?!xn--)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]", value):
        raise ValueError("an S3 bucket name has 3 to 63 lower-case letters, digits, dots and hyphens")
    return value


def _endpoint(value: str | None) -> str | None:
    if value and urlsplit(value).scheme not in {"http", "https"}:
        raise ValueError("expected a URL such as http://127.0.0.1:4566, or nothing for AWS")
    return value or None


class DatabaseSettings(BaseSettings):
    """The database of the catalogue."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_safe_database_url)]


class StoreSettings(BaseSettings):
    """The bucket; credentials come from boto3's own chain."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    s3_bucket: Annotated[str, AfterValidator(_bucket_name)]
    aws_endpoint_url: Annotated[str | None, AfterValidator(_endpoint)] = None
    aws_default_region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "us-east-1"


class QueueNameSettings(StoreSettings):
    """The names of the queues."""

    queue_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,75}$")] = "soundalike-previews"

    @property
    def dead_letter_queue_name(self) -> str:
        """Name of the dead-letter queue."""
        return f"{self.queue_name}-dead"


class QueueSettings(QueueNameSettings):
    """The queue in which the events of the object store arrive."""

    queue_visibility_s: Annotated[int, Field(ge=10, le=43_200)] = 120
    queue_max_receives: Annotated[int, Field(ge=1, le=100)] = 5


def load(settings: type[S]) -> S:
    """Read settings from the environment; where they are invalid, print each problem on stderr and exit with 78."""
    try:
        return settings()
    except ValidationError as error:
        exit_with_problems(
            settings.__name__, [(str(e["loc"][0]) if e["loc"] else "", e["msg"]) for e in error.errors()]
        )


def exit_with_problems(settings_name: str, problems: list[tuple[str, str]]) -> NoReturn:
    """Print each `(variable, problem)` and exit with 78."""
    echo(f"{settings_name}: invalid configuration:", err=True)
    for variable, problem in problems:
        message = "it is not set" if problem == "Field required" else problem.removeprefix("Value error, ")
        echo(f"  {variable.upper()}: {message}" if variable else f"  {message}", err=True)
    raise SystemExit(EX_CONFIG)
